"""The report on paths: numbers, files, and a few sentences."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, UInt8

from experiments.path import figures, plane, realism
from experiments.path.along import STOPS, Profile, profiles
from experiments.path.pairs import Pairs
from experiments.path.search import Convergence, FoundPaths, compare_methods
from experiments.reporting.pictures import drawing
from experiments.running import generators
from jaxgan import paths
from jaxgan.networks import Classified, FinishedGenerator
from jaxgan.paths import observed_order
from jaxgan.statistics import bootstrap_interval
from jaxgan.types import Examples, PRNGKey

AGAIN = 2e-3
"""Relative difference of energies that are one; levels end at about a third of it."""


WITH_INTERVAL = ("rho", "rho_line", "rho_slerp", "saved_over_line", "saved_over_slerp")
"""Medians whose 95 % interval over pairs is in `summary.json` too."""


class Analysis(NamedTuple):
    """What is reported about the paths.

    Attributes:
        summary: numbers for `summary.json`.
        profiles: measurements along each kind of path.
        realism: the scale on which realism is read.
        methods: convergence of each method, and the least energy of each pair; None
            without a comparison.
        grid: λ on the latent plane; None if the latent space has other than two
            dimensions.
    """

    summary: dict[str, Any]
    profiles: dict[str, Profile]
    realism: realism.Realism
    methods: tuple[dict[str, Convergence], Float[np.ndarray, "pairs"]] | None
    grid: plane.MetricGrid | None


def analyse(
    key: PRNGKey,
    generator: FinishedGenerator,
    classify: Callable[[Examples], Classified],
    training: UInt8[np.ndarray, "n 28 28 1"],
    test: UInt8[np.ndarray, "m 28 28 1"],
    pairs: Pairs,
    found: FoundPaths,
    compared: int,
) -> Analysis:
    """Measure what is on the paths, and compare the methods that find them.

    Args:
        key: of what is drawn for the scale of realism, and of intervals.
        generator: that the paths are of.
        classify: the judge.
        training: all training images.
        test: all test images.
        pairs: codes and images of the ends.
        found: the paths.
        compared: pairs on which the methods are compared; 0 for no comparison.
    """
    along_paths = profiles(
        generator.generate,
        classify,
        training,
        found.metrics,
        pairs,
        found.minimised.paths,
    )
    methods = compare_methods(found.metrics, pairs, compared) if compared else None
    grid = None
    if generator.latent_dim == 2:
        generate = generators.in_pixels(generator).generate
        grid = plane.metric_grid(generate, pairs, found.minimised.paths)
    scale = realism.measure(key, classify, training, test, pairs, along_paths)
    summary = _summary(
        jax.random.fold_in(key, 1), found, along_paths
    ) | realism.summary(scale)
    summary |= _ends(generator, pairs)
    if methods is not None:
        summary |= _comparison_summary(*methods)
    if grid is not None:
        summary |= plane.summary(grid, np.asarray(found.record.polygon_energy))
    return Analysis(summary, along_paths, scale, methods, grid)


def _summary(
    key: PRNGKey, found: FoundPaths, along_paths: Mapping[str, Profile]
) -> dict[str, Any]:
    record, minimised = found.record, found.minimised
    rho, log_rho = found.rho(record.energy), np.log(found.rho(record.energy))
    median = {
        "energy": record.energy,
        "energy_extrapolated": found.extrapolated,
        "energy_error": found.error,
        "energy_polygon": record.polygon_energy,
        "energy_line": record.energy_line,
        "energy_slerp": record.energy_slerp,
        "energy_bound": found.bound,
        "rho": rho,
        "rho_line": found.rho(record.energy_line),
        "rho_slerp": found.rho(record.energy_slerp),
        "image_distance": np.sqrt(2 * found.least),
        "code_distance": found.distance,
        "log_half_square_image_distance": np.log(found.least),
        "log_square_code_distance": 2 * np.log(found.distance),
        "log_rho": log_rho,
        "saved_over_line": 1 - record.energy / record.energy_line,
        "saved_over_slerp": 1 - record.energy / record.energy_slerp,
        "observed_order": observed_order(
            record.energy_quarter, record.energy_half, record.energy
        ),
        "evaluations_median": minimised.cost,
        "decrement": record.decrement,
        "speed_variation": record.speed_variation,
        "least_eigenvalue": record.least_eigenvalue,
    }
    middle = STOPS // 2
    return {
        "pairs": len(rho),
        **{name: _median(values) for name, values in median.items()},
        **_intervals(key, {name: median[name] for name in WITH_INTERVAL}),
        "energy_below_line_fraction": float(
            (record.energy < record.energy_line).mean()
        ),
        "morse_index_zero_fraction": float((record.morse_index == 0).mean()),
        "finished_fraction": float(minimised.finished.mean()),
        "starts": minimised.spread.shape[1],
        "found_again_fraction": found_again(minimised.spread),
        **{
            f"{quantity}_{kind}_middle": _median(getattr(profile, quantity)[:, middle])
            for kind, profile in along_paths.items()
            for quantity in ("confidence", "training", "average")
        },
        **{
            f"{factor}_{kind}": _median(values)
            for kind, profile in along_paths.items()
            for factor, values in profile.factors._asdict().items()
        },
    }


def _intervals(
    key: PRNGKey, values: Mapping[str, Float[np.ndarray, "pairs"]]
) -> dict[str, float | None]:
    """Return the ends of 95 % intervals of medians over pairs; None for one pair."""
    ends: dict[str, float | None] = {}
    for name, each in values.items():
        low, high = None, None
        if len(each) > 1:
            _, low, high = bootstrap_interval(key, each, _median)
        ends |= {f"{name}_low": low, f"{name}_high": high}
    return ends


def _ends(generator: FinishedGenerator, pairs: Pairs) -> dict[str, float]:
    """Return the length of the codes at the ends, and the error of their images."""
    codes = np.concatenate([pairs.codes_a, pairs.codes_b])
    images = np.concatenate([pairs.images_a, pairs.images_b])
    generate = jax.jit(generators.in_pixels(generator).generate)
    squares = (np.asarray(generate(jnp.asarray(codes))) - images) ** 2
    return {
        "code_norm": _median(np.linalg.norm(codes, axis=1)),
        "squared_error": _median(squares.reshape(len(squares), -1).mean(1)),
    }


def found_again(spread: Float[np.ndarray, "pairs starts"]) -> float | None:
    """Return the share of pairs whose least energy more than one start has found.

    To `AGAIN`, on the coarsest level; None for one start. Where a least energy was
    found once only, more starts may find a lower one.
    """
    if spread.shape[1] < 2:
        return None
    least, second = np.sort(spread, 1)[:, :2].T
    again = (second <= (1 + AGAIN) * least) & np.isfinite(least)
    return float(again.mean())


def _median(values: np.ndarray) -> float:
    return float(np.median(values))


def _comparison_summary(
    methods: Mapping[str, Convergence], least: np.ndarray
) -> dict[str, Any]:
    def key(name: str) -> str:
        return name.lower().replace(", ", "_").replace("-", "").replace(" ", "_")

    return {
        f"evaluations_to_gap_{key(name)}": _median(one.to_gap(least))
        for name, one in methods.items()
    }


def write(out: Path, pairs: Pairs, found: FoundPaths, analysis: Analysis) -> None:
    """Write `path.npz` and the figures into the run's folder."""
    record = found.record
    np.savez_compressed(
        out / "path.npz",
        paths=found.minimised.paths,
        levels=paths.levels(found.minimised.paths.shape[1] - 1),
        evaluations=found.minimised.evaluations,
        cost=found.minimised.cost,
        spread=found.minimised.spread,
        least=found.least,
        distance=found.distance,
        bound=found.bound,
        **pairs._asdict(),
        **record._asdict(),
    )
    figures.draw(out, pairs, found, analysis.profiles, analysis.realism)
    if analysis.methods is not None:
        with drawing(out / "convergence.png") as path:
            figures.convergence(*analysis.methods).savefig(path, dpi=120)
    if analysis.grid is not None:
        with drawing(out / "map.png") as path:
            figure = plane.draw(analysis.grid, pairs, found.minimised.paths)
            figure.savefig(path, dpi=120)


def in_words(summary: Mapping[str, Any]) -> str:
    """Return the result in a few sentences."""
    lines = [
        f"Medians over {summary['pairs']} pairs: the energy is "
        f"{summary['energy']:.4g} (ρ {summary['rho']:.3f}), "
        f"{summary['saved_over_line']:.1%} below that of the straight line "
        f"(ρ {summary['rho_line']:.3f}) and {summary['saved_over_slerp']:.1%} below "
        f"that of slerp (ρ {summary['rho_slerp']:.3f}).",
        f"It took {summary['evaluations_median']:.0f} evaluations of the finest "
        f"gradient; {summary['morse_index_zero_fraction']:.0%} of the paths have no "
        "direction in which the energy falls.",
        f"Of ρ, the height squared is {summary['height_minimiser'] ** 2:.3f} and the "
        f"detour squared {summary['detour_minimiser'] ** 2:.3f}.",
        "If all images of a path were as far from the average of its ends as training "
        f"images are, ρ would be at least {summary['rho_floor_nearest_median']:.2f}; "
        "less what a digit's distance from the nearest of so many others is, at least "
        f"{summary['rho_floor_corrected_median']:.2f}.",
        f"Half-way the judge's confidence is "
        f"{summary['confidence_minimiser_middle']:.2f}, on the straight line "
        f"{summary['confidence_line_middle']:.2f}; on plain averages of two digits it "
        f"is {summary['confidence_crossfade_median']:.2f}.",
    ]
    if summary["found_again_fraction"] is not None:
        lines.append(
            f"The best of {summary['starts']} starts was found by another one too, on "
            f"the coarsest level, for {summary['found_again_fraction']:.0%} of the "
            "pairs; for the others, more --starts may find a lower path."
        )
    if summary.get("referee_worst") is not None:
        lines.append(
            f"Lengths differ from those by fast marching by "
            f"{summary['referee_median']:+.2%} (median) and "
            f"{summary['referee_worst']:+.2%} (worst)."
        )
    return "\n".join(lines)
