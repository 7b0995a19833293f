"""How fast are paths found? `python -m benchmarks.paths` prints JSON.

Pairs of prior codes of the shipped generator, and pairs of inverted test digits, all of
a kind in one program, 64 segments: seconds a pair, compile time apart, and evaluations
of the gradient (in those of the finest level) to a gap of 1e-4 of the least energy that
any method found. Plain L-BFGS and Adam run on the first pairs; so does the minimiser
with 256 segments, for what a finer path costs.
"""

import argparse
import json
import time

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.measuring import machine
from experiments.path import pairs, search
from experiments.path.pairs import Pairs
from jaxgan import data, load_generator, paths

KEY = jax.random.key(0)


def quantiles(costs: np.ndarray) -> dict[str, float | None]:
    """Quartiles over pairs; None where the pair there never came so near."""
    found = np.quantile(costs, (0.25, 0.5, 0.75), method="lower")
    names = ("quarter", "median", "three_quarters")
    return {
        n: float(v) if np.isfinite(v) else None
        for n, v in zip(names, found, strict=True)
    }


def minimise(metrics: paths.MetricFamily, pairs: Pairs, segments: int, **options):
    """Find the paths, and say how long it took the first time and the second."""

    def run():
        started = time.perf_counter()
        found = paths.minimise(
            metrics,
            jnp.asarray(pairs.codes_a),
            jnp.asarray(pairs.codes_b),
            (pairs.images_a, pairs.images_b),
            levels=paths.levels(segments),
            **options,
        )
        return found, time.perf_counter() - started

    _, first = run()
    found, second = run()
    return found, (first, second)


def measure(
    metrics: paths.MetricFamily, pairs: Pairs, compared: int
) -> dict[str, object]:
    """Time the minimiser on all pairs, and count against the others on the first."""
    found, (first, second) = minimise(metrics, pairs, 64)
    long, _ = minimise(metrics, pairs, 64, tolerance=1e-7, max_evaluations=300)
    least = np.minimum(found.energies[:, -1], long.energies[:, -1])
    races, known = search.compare_methods(metrics, pairs, compared)
    least[:compared] = np.minimum(least[:compared], known)
    coarse = found.cost - found.evaluations[:, -1]
    costs = search.Convergence(coarse, found.history).to_gap(least)
    some = Pairs(*(leaf[:compared] for leaf in pairs))
    fine, _ = minimise(metrics, some, 256)
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
                **quantiles(race.to_gap(least[:compared])),
                "reached": float(np.isfinite(race.to_gap(least[:compared])).mean()),
            }
            for name, race in races.items()
        },
        "cost_at_256_over_64_segments": float(
            np.median(fine.cost) / np.median(found.cost[:compared])
        ),
    }


def main() -> None:
    """Print one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=100)
    parser.add_argument("--compared", type=int, default=20)
    parser.add_argument("--dataset", default="auto")
    parser.add_argument("--data-dir", default=None)
    flags = parser.parse_args()
    generator = load_generator("mnist-wgan-gp")
    metrics = paths.between_images(pairs.in_pixels(generator))
    test = data.load(flags.dataset, "test", data_dir=flags.data_dir)
    kinds = {
        "prior": pairs.of_prior(KEY, generator, flags.pairs),
        "digits": pairs.of_digits(KEY, generator, test, flags.pairs),
    }
    result = {
        **machine(),
        **{k: measure(metrics, pairs, flags.compared) for k, pairs in kinds.items()},
    }
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
