"""The numbers, the figure and the words of recovered codes."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from experiments.recover.search import Recovered
from experiments.reporting.pictures import drawing
from jaxgan.statistics import wilson

SAME = 1e-6
"""Largest relative distance at which two codes count as the same."""


def summary(found: Recovered) -> dict[str, Any]:
    """Return how many images and codes were recovered, and how exactly."""
    count = len(found.errors)
    errors = found.latent_errors
    same = errors <= SAME

    def share(holds: np.ndarray, name: str) -> dict[str, Any]:
        estimate = wilson(int(holds.sum()), count)
        return {name: estimate.value, f"{name}_interval": estimate[1:]}

    return {
        "num_images": count,
        **share(found.errors <= 1e-6, "image_fraction"),
        **share(found.exact, "exact_fraction"),
        **share(same, "code_fraction"),
        "exact_but_another_code": int(np.sum(found.exact & ~same)),
        "mse_per_pixel_max": float(found.errors.max()),
        "latent_error_median": float(np.median(errors)),
        "latent_error_max_of_exact": (
            float(errors[found.exact].max()) if found.exact.any() else None
        ),
        "starts_mean": float(found.starts.mean()),
        "condition_median": float(np.median(found.conditions)),
        "condition_max": float(found.conditions.max()),
        "saturated_median": float(np.median(found.saturated)),
    }


def write(out: Path, found: Recovered) -> None:
    """Write `results.npz` and `recovery.png`."""
    np.savez_compressed(
        out / "results.npz", latent_errors=found.latent_errors, **found._asdict()
    )
    with drawing(out / "recovery.png") as path:
        _figure(found).savefig(path, dpi=150)


def _figure(found: Recovered) -> Figure:
    """Draw the error of codes over that of images, and over the condition number."""
    figure = Figure(figsize=(8, 3.5), layout="constrained")
    left, right = figure.subplots(1, 2, sharey=True)
    # Before anything is drawn: limits of one point alone would be a warning.
    conditions = found.conditions[np.isfinite(found.conditions)]
    left.set(
        xscale="log",
        yscale="log",
        xlim=(1e-17, 1),
        xlabel="error of the image, root mean square per pixel",
        ylabel="relative error of the code",
    )
    right.set(
        xscale="log",
        xlim=(conditions.min() / 2, conditions.max() * 2) if len(conditions) else None,
        xlabel="condition number of the Jacobian",
    )
    for axes in (left, right):
        axes.axhline(SAME, color="gray", linewidth=0.8, linestyle="--")
    errors = np.maximum(found.latent_errors, 1e-16)
    for exact, color, label in (
        (True, "tab:blue", "image found exactly"),
        (False, "tab:orange", "image found nearly"),
    ):
        of = found.exact == exact
        if of.any():
            style = {"s": 8, "color": color, "alpha": 0.6, "linewidths": 0}
            pixels = np.sqrt(np.maximum(found.errors[of], 1e-34))
            left.scatter(pixels, errors[of], label=label, **style)
            right.scatter(found.conditions[of], errors[of], **style)
    left.legend(frameon=False)
    return figure


def in_words(summary: Mapping[str, Any]) -> str:
    """Return the summary in words."""
    return (
        f"{summary['exact_fraction']:.1%} of {summary['num_images']} images are found "
        f"exactly, {summary['image_fraction']:.1%} to 1e-6 per pixel\n"
        f"{summary['code_fraction']:.1%} of the codes are found to {SAME:.0e}; "
        f"{summary['exact_but_another_code']} exact images have another code\n"
        f"{summary['starts_mean']:.1f} starts for an image; condition number of the "
        f"Jacobian {summary['condition_median']:.0e} (median)"
    )
