"""Figures of a penalty sweep: the Pareto frontier, and film strips of paths."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Float
from matplotlib.figure import Figure
from matplotlib.ticker import LogFormatter

from experiments.path_gan.arms import PLAIN, Arm, run_folder
from experiments.reporting.pictures import image_grid, save_image
from jaxgan.pixels import to_pixels

STYLES = {
    "none": ("black", "o", "no penalty"),
    "path": ("tab:red", "o", "paths of least energy"),
    "line": ("tab:gray", "s", "straight lines"),
    "length": ("tab:blue", "^", "path lengths (StyleGAN2)"),
}
"""Colour, marker and label by penalty."""

Seeds = Float[np.ndarray, "seeds"]


def pareto(points: Mapping[Arm, tuple[Seeds, Seeds]], title: str) -> Figure:
    """Draw log ρ against Fréchet distance, a line for each penalty as its weight grows.

    Args:
        points: Fréchet distance and log ρ of every seed, by arm.
        title: of the figure.
    """
    figure = Figure(figsize=(6.4, 4.6), layout="constrained")
    axes = figure.subplots()
    for penalty, (colour, marker, label) in STYLES.items():
        arms = sorted(
            (arm for arm in points if arm.penalty == penalty),
            key=lambda arm: arm.weight,
        )
        if not arms:
            continue
        distances, scores = (
            np.array([points[arm][axis] for arm in arms]) for axis in (0, 1)
        )
        axes.errorbar(
            distances.mean(1),
            scores.mean(1),
            xerr=distances.std(1, ddof=1),
            yerr=scores.std(1, ddof=1),
            color=colour,
            marker=marker,
            markersize=5,
            linestyle="" if penalty == PLAIN.penalty else "-",
            linewidth=0.8,
            capsize=2,
            label=label,
        )
        for arm, x, y in zip(arms, distances.mean(1), scores.mean(1), strict=True):
            axes.annotate(
                arm.label,
                (x, y),
                xytext=(5, 4),
                textcoords="offset points",
                fontsize=8,
                color=colour,
            )
    axes.set(xlabel="Fréchet distance", ylabel="held-out log ρ", title=title)
    axes.set_xscale("log")
    for set_formatter in (
        axes.xaxis.set_major_formatter,
        axes.xaxis.set_minor_formatter,
    ):
        set_formatter(LogFormatter(labelOnlyBase=False, minor_thresholds=(2, 0.5)))
    axes.grid(alpha=0.3, which="both")
    axes.legend(frameon=False)
    return figure


def strips(path: Path, out: Path, arms: Sequence[Arm]) -> None:
    """Write a picture: for each of a few pairs, its path in each arm, seed 0.

    Args:
        path: of the picture.
        out: folder of the experiment.
        arms: from top to bottom; none of them lost.
    """
    films = []
    for arm in arms:
        with np.load(run_folder(out, arm, 0) / "films.npz", allow_pickle=False) as kept:
            films.append(to_pixels(kept["images"].astype(np.float32)))
    rows = np.stack(films, 1)  # pairs, arms, stops
    flat = rows.reshape(-1, *rows.shape[3:])
    save_image(path, image_grid(flat, rows.shape[2]))
