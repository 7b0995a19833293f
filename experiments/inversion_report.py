"""From the end points of an inversion to its numbers, files and words."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from experiments import inversion_figures
from experiments.inverting import UNKNOWN, Found
from jaxgan.certificates import STATUSES
from jaxgan.counting import Count, count_minima
from jaxgan.models import TrainedGenerator
from jaxgan.types import PRNGKey

MINIMA = (STATUSES.index("strict"), STATUSES.index("kink"))


class Report(NamedTuple):
    """What the end points say.

    Attributes:
        summary: for `summary.json`.
        counts: of each image's minima; None where no end point is one.
        images: generated from all starts of the first targets, pixels in [0, 1].
    """

    summary: dict[str, Any]
    counts: list[Count | None]
    images: Float[np.ndarray, "shown starts pixels"]


def report(
    key: PRNGKey,
    generator: TrainedGenerator,
    targets: Float[np.ndarray, "n 28 28 1"],
    found: Found,
) -> Report:
    """Count the minima of every image, and sum up."""
    draw = jax.jit(generator.generate)

    def pixels(latents: np.ndarray) -> np.ndarray:
        images = draw(jnp.asarray(latents, jnp.float32))
        return (np.asarray(images).reshape(len(latents), -1) + 1) / 2

    counts = []
    for number in range(len(targets)):
        proved = np.isin(found.statuses[number], MINIMA)
        latents, errors = found.latents[number], found.errors[number]
        counts.append(
            count_minima(
                jax.random.fold_in(key, number),
                latents[proved],
                pixels(latents)[proved],
                errors[proved],
            )
            if proved.any()
            else None
        )
    shown = found.latents[: inversion_figures.SHOWN_IMAGES]
    images = np.stack([pixels(latents) for latents in shown])
    return Report(_summary(targets, found, counts), counts, images)


def _summary(
    targets: np.ndarray, found: Found, counts: list[Count | None]
) -> dict[str, Any]:
    best = found.errors.min(1)
    settled = found.statuses != UNKNOWN
    shares = {
        f"{status}_fraction": float((found.statuses[settled] == number).mean())
        for number, status in enumerate(STATUSES)
    }
    known = [count for count in counts if count is not None]

    def middle(values: list[float]) -> float | None:
        return float(np.median(values)) if values else None

    return {
        "num_images": len(targets),
        "num_starts": found.errors.shape[1],
        "gradients_per_image": float(found.gradients_per_image),
        "best_mse_per_pixel_median": float(np.median(best)),
        "best_mse_per_pixel_p95": float(np.quantile(best, 0.95)),
        "start_success_probability": (
            float(np.mean([count.success.value for count in known])) if known else None
        ),
        **shares,
        "held_facets_median": float(np.median(found.held[settled])),
        "distinct_minima_median": middle([count.seen for count in known]),
        "distinct_images_median": middle([count.seen_images for count in known]),
        "minima_at_least_median": middle([count.at_least.value for count in known]),
        "coverage_median": middle([count.coverage.value for count in known]),
        "starts_to_99_median": middle([count.starts_to_99 for count in known]),
        "pairs": {
            name: float(np.mean([getattr(count.pairs, name) for count in known]))
            for name in (known[0].pairs._fields if known else ())
        },
    }


def write(
    out: Path,
    targets: Float[np.ndarray, "n 28 28 1"],
    found: Found,
    found_report: Report,
    seed: int,
) -> None:
    """Write `results.npz`, `minima.json` and the figures."""
    np.savez_compressed(
        out / "results.npz",
        targets=(targets[..., 0] + 1) / 2,
        latents=found.latents,
        losses=found.errors,
        statuses=found.statuses,
        held=found.held,
        seeds=np.stack([np.full(len(targets), seed), np.arange(len(targets))], 1),
    )
    inversion_figures.draw(out, targets, found, found_report.images)


def in_words(summary: Mapping[str, Any]) -> str:
    """Say what was found."""
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
            f"{summary['distinct_minima_median']:.0f} different minima (median image); "
            f"the next start ends in a known one with probability "
            f"{summary['coverage_median']:.2f}"
        )
    return "\n".join(lines)
