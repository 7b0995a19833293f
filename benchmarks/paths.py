"""Speed of finding paths of least energy: `python -m benchmarks.paths` prints JSON.

The pairs are codes from the prior of the shipped generator, and codes of test digits;
all pairs of a kind are one program, with 64 segments. Reported are seconds per pair,
without compilation, and evaluations of the gradient (as many as cost the same on the
finest level) until the energy is within 1e-4 of the least that any method found. Other
methods run on the first pairs, and so does the minimiser with 256 segments, to see what
a finer path costs. All pairs are minimised once more with kinks on all levels. Last is
what several starts of the pairs of digits bring, against the least energy of these
runs.
"""

import dataclasses
import json
import time

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.flags import command_line
from benchmarks.machine import machine
from experiments.path import pairs, search
from experiments.path.pairs import Pairs
from experiments.running import generators
from jaxgan import data, load_generator, paths

KEY = jax.random.key(0)
STARTS = (1, 2, 4, 16)


def quantiles(costs: np.ndarray) -> dict[str, float | None]:
    """Return the quartiles over pairs; None where a pair never came so near."""
    found = np.quantile(costs, (0.25, 0.5, 0.75), method="lower")
    names = ("quarter", "median", "three_quarters")
    return {
        n: float(v) if np.isfinite(v) else None
        for n, v in zip(names, found, strict=True)
    }


def minimise(metrics: paths.MetricFamily, pairs: Pairs, segments: int, **options):
    """Return the paths of all pairs, and the seconds that finding them took."""
    started = time.perf_counter()
    found = paths.minimise_many(
        metrics,
        jnp.asarray(pairs.codes_a),
        jnp.asarray(pairs.codes_b),
        (pairs.images_a, pairs.images_b),
        levels=paths.levels(segments),
        **options,
    )
    return found, time.perf_counter() - started


def measure(
    metrics: paths.MetricFamily, pairs: Pairs, compared: int
) -> dict[str, object]:
    """Time the minimiser on all pairs, and compare it with others on the first."""
    _, first = minimise(metrics, pairs, 64)
    found, second = minimise(metrics, pairs, 64)
    long, _ = minimise(metrics, pairs, 64, tolerance=1e-7, max_evaluations=300)
    least = np.minimum(found.energies[:, -1], long.energies[:, -1])
    methods, known = search.compare_methods(metrics, pairs, compared)
    least[:compared] = np.minimum(least[:compared], known)
    coarse = found.cost - found.evaluations[:, -1]
    costs = search.Convergence(coarse, found.history).to_gap(least)
    some = Pairs(*(leaf[:compared] for leaf in pairs))
    fine, _ = minimise(metrics, some, 256)
    with_kinks, _ = minimise(dataclasses.replace(metrics, smoothing=None), pairs, 64)
    excess = with_kinks.energies[:, -1] / found.energies[:, -1] - 1
    return {
        "pairs": len(least),
        "compile_seconds": first - second,
        "seconds_per_pair": second / len(least),
        "evaluations_until_it_stops_median": float(np.median(found.cost)),
        "gap_where_it_stops_median": float(
            np.median(found.energies[:, -1] / least - 1)
        ),
        "evaluations_to_gap": quantiles(costs),
        "within_gap_fraction": float(np.isfinite(costs).mean()),
        "compared_pairs": compared,
        "compared_evaluations_to_gap": {
            name: {
                **quantiles(method.to_gap(least[:compared])),
                "reached": float(np.isfinite(method.to_gap(least[:compared])).mean()),
            }
            for name, method in methods.items()
        },
        "kinks_on_all_levels": {
            "evaluations_until_it_stops_median": float(np.median(with_kinks.cost)),
            "mean_excess_energy": float(np.mean(excess)),
            "ends_lower_fraction": float(np.mean(excess < 0)),
        },
        "cost_at_256_over_64_segments": float(
            np.median(fine.cost) / np.median(found.cost[:compared])
        ),
    }


def with_starts(metrics: paths.MetricFamily, pairs: Pairs) -> dict[int, object]:
    """Return, by the number of starts, what they cost and how often they suffice."""
    found = {
        count: minimise(
            metrics, pairs, 64, num_starts=count, key=jax.random.fold_in(KEY, 1)
        )[0]
        for count in STARTS
    }
    ends = {count: each.energies[:, -1] for count, each in found.items()}
    least = np.min(list(ends.values()), 0)
    return {
        count: {
            "evaluations_median": float(np.median(found[count].cost)),
            "mean_gap": float(np.mean(end / least - 1)),
            "within_1e-3_fraction": float(np.mean(end <= least * 1.001)),
            "worst_against_one_start": float(np.max(end / ends[STARTS[0]] - 1)),
        }
        for count, end in ends.items()
    }


def main() -> None:
    """Print one JSON object."""
    line = command_line(
        __doc__,
        pairs=(100, "pairs of each kind"),
        compared=(20, "pairs that other methods run on"),
    )
    line.add_argument("--dataset", default="auto", help="dataset of the test digits")
    line.add_argument("--data-dir", help="folder with the four official IDX files")
    flags = line.parse_args()
    generator = load_generator("mnist-wgan-gp")
    metrics = paths.between_images(generators.in_pixels(generator))
    test = data.load(flags.dataset, "test", data_dir=flags.data_dir)
    kinds = {
        "prior": pairs.of_prior(KEY, generator, flags.pairs),
        "digits": pairs.of_digits(KEY, generator, test, flags.pairs),
    }
    result = {
        **machine(),
        **{k: measure(metrics, pairs, flags.compared) for k, pairs in kinds.items()},
        "digits_with_starts": with_starts(metrics, kinds["digits"]),
    }
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
