"""The numbers, files and words of an inversion."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from experiments.invert import figures, landscape
from experiments.invert.search import UNKNOWN, FoundCodes
from experiments.reporting.pictures import drawing
from experiments.running import run_folder
from jaxgan.minima import STATUSES, Count, count_minima
from jaxgan.networks import FinishedGenerator
from jaxgan.statistics import bootstrap_interval
from jaxgan.types import PRNGKey

MINIMA = (STATUSES.index("strict"), STATUSES.index("kink"))
DEFINITE = (*MINIMA, STATUSES.index("saddle"))


class InversionReport(NamedTuple):
    """What is known about the codes that were found.

    Attributes:
        summary: numbers for `summary.json`.
        counts: estimates of the minima of each image; None where none was proved.
        images: images of the codes of the first targets, pixels in [0, 1].
        landscape: the objective around the minima of the first image.
    """

    summary: dict[str, Any]
    counts: list[Count | None]
    images: Float[np.ndarray, "shown starts pixels"]
    landscape: landscape.Landscape | None


def report(
    key: PRNGKey,
    generator: FinishedGenerator,
    targets: Float[np.ndarray, "n height width channels"],
    found: FoundCodes,
    prior_weight: float,
) -> InversionReport:
    """Count the minima of every image, and summarise over images.

    Only the second half of the starts, those from the prior, are independent; the
    first half, codes of the nearest samples, choose the best minimum.

    Args:
        key: random key of the confidence intervals.
        generator: the generator that was inverted.
        targets: its targets, pixels in [-1, 1].
        found: their codes.
        prior_weight: κ of the objective that was minimised.
    """
    draw = jax.jit(generator.generate)

    def pixels(latents: np.ndarray) -> np.ndarray:
        images = draw(jnp.asarray(latents, jnp.float32))
        return (np.asarray(images).reshape(len(latents), -1) + 1) / 2

    # ½‖G(z) − x‖² + ½κ‖z‖², pixels in [-1, 1]; errors are means for those in [0, 1].
    norms = np.sum(found.latents**2, 2)
    values = 2 * targets[0].size * found.errors + prior_weight / 2 * norms
    starts = found.errors.shape[1]
    independent = np.arange(starts) >= starts // 2
    counts = []
    for number in range(len(targets)):
        proved = np.isin(found.statuses[number], MINIMA)
        latents = found.latents[number]
        counts.append(
            count_minima(
                latents[proved],
                pixels(latents)[proved],
                values[number][proved],
                independent[proved],
            )
            if proved.any()
            else None
        )
    shown = found.latents[: figures.SHOWN_IMAGES]
    images = np.stack([pixels(latents) for latents in shown])
    around = landscape.landscape(
        generator,
        targets[0],
        found.latents[0],
        np.isin(found.statuses[0], MINIMA),
        prior_weight,
    )
    return InversionReport(
        _summary(key, targets, found, counts), counts, images, around
    )


def _summary(
    key: PRNGKey, targets: np.ndarray, found: FoundCodes, counts: list[Count | None]
) -> dict[str, Any]:
    best = found.errors.min(1)
    lengths = np.linalg.norm(found.latents, axis=2)
    of_best = np.take_along_axis(lengths, found.errors.argmin(1)[:, None], 1)
    known = [count for count in counts if count is not None]
    estimates = {
        name: bootstrap_interval(key, values, statistic) if len(values) else None
        for name, (statistic, values) in _over_images(found, known).items()
    }
    return {
        "num_images": len(targets),
        "num_starts": found.errors.shape[1],
        "gradients_per_image": float(found.gradients_per_image),
        "best_mse_per_pixel_median": float(np.median(best)),
        "best_mse_per_pixel_p95": float(np.quantile(best, 0.95)),
        "best_code_norm_median": float(np.median(of_best)),
        **{name: each and each.value for name, each in estimates.items()},
        "pairs": {
            name: float(np.mean([getattr(count.pairs, name) for count in known]))
            for name in (known[0].pairs._fields if known else ())
        },
        "intervals_over_images": {
            name: each and each[1:] for name, each in estimates.items()
        },
    }


def _over_images(
    found: FoundCodes, known: list[Count]
) -> dict[str, tuple[Callable[[np.ndarray], float], np.ndarray]]:
    """Return, by name, a statistic over images and its values for all images.

    Images are resampled for its interval: starts of one image are not independent.
    """
    settled = found.statuses != UNKNOWN

    def share(statuses: tuple[int, ...]) -> np.ndarray:
        return (settled & np.isin(found.statuses, statuses)).sum(1) / settled.sum(1)

    def median(values: np.ndarray) -> float:
        return float(np.median(values))

    def mean(values: np.ndarray) -> float:
        return float(np.mean(values))

    def of(numbers: list[int] | list[float]) -> np.ndarray:
        values = np.array(numbers, float)
        return values[~np.isnan(values)]  # unknown where no start could count

    success = of([c.success.value for c in known])
    return {
        "start_success_probability": (mean, success),
        "definite_fraction": (mean, share(DEFINITE)),
        **{
            f"{status}_fraction": (mean, share((number,)))
            for number, status in enumerate(STATUSES)
        },
        "held_facets_median": (median, found.held[settled].astype(float)),
        "distinct_minima_median": (median, of([c.seen for c in known])),
        "distinct_images_median": (median, of([c.seen_images for c in known])),
        "minima_at_least_median": (median, of([c.at_least.value for c in known])),
        "coverage_median": (median, of([c.coverage.value for c in known])),
        "best_never_reached_fraction": (
            mean,
            (success == 0).astype(float),
        ),
    }


def write(
    out: Path,
    targets: Float[np.ndarray, "n height width channels"],
    found: FoundCodes,
    result: InversionReport,
    seed: int,
) -> None:
    """Write `results.npz`, `minima.jsonl` and the figures."""
    np.savez_compressed(
        out / "results.npz",
        targets=figures.visible(targets),
        latents=found.latents,
        losses=found.errors,
        statuses=found.statuses,
        held=found.held,
        seeds=np.stack([np.full(len(targets), seed), np.arange(len(targets))], 1),
    )
    rows = [
        count and {"image": number, **count._asdict(), "pairs": count.pairs._asdict()}
        for number, count in enumerate(result.counts)
    ]
    run_folder.write_rows(out / "minima.jsonl", [row for row in rows if row])
    figures.draw(out, targets, found, result.images)
    if result.landscape is not None:
        with drawing(out / "objective.png") as path:
            landscape.draw(result.landscape).savefig(path, dpi=120)


def in_words(summary: Mapping[str, Any]) -> str:
    """Return the summary in words."""
    lines = [
        f"best mean squared error per pixel: median "
        f"{summary['best_mse_per_pixel_median']:.2e}, 95 % below "
        f"{summary['best_mse_per_pixel_p95']:.2e}",
        f"{summary['strict_fraction']:.0%} of the end points are smooth local minima, "
        f"{summary['kink_fraction']:.0%} are local minima at kinks "
        f"(on {summary['held_facets_median']:.0f} facets)",
    ]
    if summary["distinct_minima_median"] is not None:
        lines.append(
            f"{summary['num_starts']} starts end in "
            f"{summary['distinct_minima_median']:.0f} different minima (median image)"
        )
    if summary["coverage_median"] is not None:
        lines[-1] += (
            f"; one more start from the prior ends in a minimum that these have seen "
            f"with probability {summary['coverage_median']:.2f}"
        )
    return "\n".join(lines)
