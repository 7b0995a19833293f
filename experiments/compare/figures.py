"""Figures of a comparison between GAN and WGAN-GP."""

from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from PIL import Image

from experiments.compare.report import GAN, WGAN, Comparison, over_seeds
from experiments.reporting.pictures import drawing

COLOURS = {GAN: "tab:orange", WGAN: "tab:blue"}


def draw(out: Path, comparison: Comparison) -> None:
    """Write `frechet.png`, `losses.png` and `samples.png`."""
    with drawing(out / "frechet.png") as path:
        _distances(comparison).savefig(path, dpi=150)
    with drawing(out / "losses.png") as path:
        _losses(comparison).savefig(path, dpi=150)
    with drawing(out / "samples.png") as path:
        _samples(out, comparison).savefig(path, dpi=150)


def _band(
    axes: Axes,
    comparison: Comparison,
    name: str,
    quantity: str,
    label: str,
    linestyle: str = "-",
    scale: float = 1.0,
) -> None:
    """Draw the mean over seeds, in a band from the lowest seed to the highest.

    It is drawn against steps, or against what takes `scale` for each step.
    """
    colour = COLOURS[name]
    rows = comparison.rows[name]
    x = scale * np.array([row["step"] for row in rows], float)
    values = np.array([over_seeds(row, quantity) for row in rows])
    axes.plot(x, values.mean(1), linestyle, color=colour, linewidth=1.5, label=label)
    axes.fill_between(
        x, values.min(1), values.max(1), color=colour, alpha=0.2, linewidth=0
    )


def _distances(comparison: Comparison) -> Figure:
    figure = Figure(figsize=(8, 3.4), layout="constrained")
    panels = figure.subplots(1, 2, sharey=True)
    floor = comparison.floor["frechet_distance"].value
    seconds = {
        name: comparison.seconds_per_step(name) / comparison.seeds for name in COLOURS
    }
    for axes, scales in zip(
        panels, (dict.fromkeys(COLOURS, 1.0), seconds), strict=True
    ):
        for name, scale in scales.items():
            _band(axes, comparison, name, "frechet_distance", name, scale=scale)
            _band(
                axes,
                comparison,
                name,
                "class_matched_frechet_distance",
                f"{name}, shares of classes matched",
                "--",
                scale,
            )
        axes.axhline(floor, color="gray", linestyle="-.", linewidth=1)
        axes.set_yscale("log")
        axes.grid(alpha=0.3, which="both")
    panels[0].axvline(comparison.steps, color="gray", linestyle=":", linewidth=1)
    panels[0].annotate(
        "real images", (1, floor), color="gray", fontsize=8,
        xycoords=("axes fraction", "data"), ha="right", va="bottom",
    )  # fmt: skip
    panels[0].locator_params("x", nbins=6)
    panels[0].set(xlabel="generator steps", ylabel="Fréchet distance")
    panels[1].set(xlabel="training seconds per seed")
    panels[0].legend(frameon=False, fontsize=7)
    figure.suptitle(f"{comparison.dataset}, {comparison.seeds} seeds: mean and range")
    return figure


def _losses(comparison: Comparison) -> Figure:
    figure = Figure(figsize=(8, 3.4), layout="constrained")
    left, right = figure.subplots(1, 2)
    for quantity, label, style in (
        ("wasserstein_estimate", "training images", "-"),
        ("wasserstein_estimate_heldout", "held-out images", "--"),
    ):
        _band(left, comparison, WGAN, quantity, label, style)
    left.set(xlabel="generator steps", ylabel="Wasserstein estimate", title=WGAN)
    for quantity, label, style in (
        ("critic_loss", "discriminator", "-"),
        ("generator_loss", "generator", "--"),
    ):
        _band(right, comparison, GAN, quantity, label, style)
    right.set(xlabel="generator steps", ylabel="loss", title=GAN)
    for axes in (left, right):
        axes.grid(alpha=0.3)
        axes.legend(frameon=False)
    return figure


def _samples(out: Path, comparison: Comparison) -> Figure:
    columns = comparison.columns()
    figure = Figure(figsize=(3.6 * len(columns), 2.6), layout="constrained")
    for axes, column in zip(figure.subplots(1, len(columns)), columns, strict=True):
        step = column.row["step"]
        path = out / column.contestant / f"samples-{step}.png"
        if path.exists():
            with Image.open(path) as grid:
                axes.imshow(np.asarray(grid), cmap="gray", vmin=0, vmax=255)
        axes.set_title(f"{column.title} ({step} steps)", fontsize=9)
        axes.axis("off")
    return figure
