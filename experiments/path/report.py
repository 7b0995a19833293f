"""From paths to their numbers, files and words."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float, UInt8

from experiments.path import figures, plane
from experiments.path.along import STOPS, Along, along
from experiments.path.pairs import Pairs, in_pixels
from experiments.path.search import Paths, Race, race
from jaxgan import paths
from jaxgan.networks import Classified
from jaxgan.paths import observed_order
from jaxgan.storage import TrainedGenerator
from jaxgan.types import Examples


class Report(NamedTuple):
    """What the paths say.

    Attributes:
        summary: for `summary.json`.
        seen: along each kind of path.
        races: of the methods, and the least energy of each pair in them.
        chart: of the latent plane; None if the latent space is no plane.
    """

    summary: dict[str, Any]
    seen: dict[str, Along]
    races: tuple[dict[str, Race], Float[np.ndarray, "pairs"]] | None
    chart: plane.Chart | None


def report(
    generator: TrainedGenerator,
    classify: Callable[[Examples], Classified],
    training: UInt8[np.ndarray, "n 28 28 1"],
    pairs: Pairs,
    found: Paths,
    compared: int,
) -> Report:
    """Look along the paths, compare the methods, and sum up."""
    seen = along(
        generator.generate,
        classify,
        training,
        found.metrics,
        pairs,
        found.minimised.paths,
    )
    races = race(found.metrics, pairs, compared) if compared else None
    chart = None
    if generator.latent_dim == 2:
        chart = plane.survey(in_pixels(generator), pairs, found.minimised.paths)
    summary = _summary(found, seen)
    if races is not None:
        summary |= _race_summary(*races)
    if chart is not None:
        summary |= plane.summary(chart, np.asarray(found.record.polygon_energy))
    return Report(summary, seen, races, chart)


def _summary(found: Paths, seen: Mapping[str, Along]) -> dict[str, Any]:
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
        "log_half_square_image_distance": np.log(found.least),
        "log_square_code_distance": 2 * np.log(found.distance),
        "log_rho": log_rho,
        "saved_over_line": 1 - record.energy / record.energy_line,
        "saved_over_slerp": 1 - record.energy / record.energy_slerp,
        "observed_order": observed_order(*minimised.energies[:, -3:].T),
        "evaluations_median": minimised.cost,
        "decrement": record.decrement,
        "speed_variation": record.speed_variation,
        "least_eigenvalue": record.least_eigenvalue,
    }
    middle = STOPS // 2
    return {
        "pairs": len(rho),
        **{name: _median(values) for name, values in median.items()},
        "energy_below_line_fraction": float(
            (record.energy < record.energy_line).mean()
        ),
        "morse_index_zero_fraction": float((record.morse_index == 0).mean()),
        "finished_fraction": float(minimised.finished.mean()),
        **{
            f"{quantity}_{kind}_middle": _median(getattr(a, quantity)[:, middle])
            for kind, a in seen.items()
            for quantity in ("confidence", "training", "average")
        },
    }


def _median(values: np.ndarray) -> float:
    return float(np.median(values))


def _race_summary(races: Mapping[str, Race], least: np.ndarray) -> dict[str, Any]:
    def word(name: str) -> str:
        return name.lower().replace(", ", "_").replace("-", "").replace(" ", "_")

    return {
        f"evaluations_to_gap_{word(name)}": _median(one.to_gap(least))
        for name, one in races.items()
    }


def write(out: Path, pairs: Pairs, found: Paths, made: Report) -> None:
    """Write `path.npz` and the figures."""
    record = found.record
    np.savez_compressed(
        out / "path.npz",
        paths=found.minimised.paths,
        level_energies=found.minimised.energies,
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
    figures.draw(out, pairs, found, made.seen)
    if made.races is not None:
        figures.convergence(*made.races).savefig(out / "convergence.png", dpi=120)
    if made.chart is not None:
        figure = plane.draw(made.chart, pairs, found.minimised.paths)
        figure.savefig(out / "plane.png", dpi=120)


def in_words(summary: Mapping[str, Any]) -> str:
    """Say what was found."""
    lines = [
        f"{summary['pairs']} pairs, medians: energy {summary['energy']:.4g} "
        f"(ρ {summary['rho']:.3f}), {summary['saved_over_line']:.1%} below the "
        f"straight line (ρ {summary['rho_line']:.3f}) and "
        f"{summary['saved_over_slerp']:.1%} below slerp (ρ {summary['rho_slerp']:.3f})",
        f"in {summary['evaluations_median']:.0f} evaluations of the finest gradient; "
        f"{summary['morse_index_zero_fraction']:.0%} have no direction of descent",
        f"half-way the judge is {summary['confidence_minimiser_middle']:.2f} sure of a "
        f"digit, {summary['confidence_line_middle']:.2f} on the line",
    ]
    if summary.get("referee_worst") is not None:
        lines.append(
            f"length against fast marching: {summary['referee_median']:+.2%} (median), "
            f"{summary['referee_worst']:+.2%} (worst)"
        )
    return "\n".join(lines)
