"""Figures of a sweep of penalties: the frontier, and paths with and without."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from jaxtyping import Float
from matplotlib.figure import Figure
from matplotlib.ticker import LogFormatter

from experiments.reporting.pictures import image_grid, save_image
from jaxgan.pixels import to_pixels

LOOKS = {
    "none": ("black", "o", "no penalty"),
    "path": ("tab:red", "o", "paths of least energy"),
    "line": ("tab:gray", "s", "straight lines"),
    "length": ("tab:blue", "^", "path lengths (StyleGAN2)"),
}
"""Colour, marker and label by penalty."""

Seeds = Float[np.ndarray, "seeds"]


def pareto(points: Mapping[str, tuple[Seeds, Seeds]], title: str) -> Figure:
    """Draw Fréchet distance against log ρ, a line for each penalty as its weight grows.

    Args:
        points: both for every seed, by arm.
        title: of the figure.
    """
    figure = Figure(figsize=(6.4, 4.6), layout="constrained")
    axes = figure.subplots()
    for penalty, (colour, marker, label) in LOOKS.items():
        arms = [arm for arm in points if arm.replace(",", " ").split()[0] == penalty]
        arms = sorted(arms, key=_weight)
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
            linestyle="" if penalty == "none" else "-",
            linewidth=0.8,
            capsize=2,
            label=label,
        )
        for arm, x, y in zip(arms, distances.mean(1), scores.mean(1), strict=True):
            text = arm.removeprefix(f"{penalty} ") if arm != penalty else ""
            axes.annotate(
                text.removeprefix("none, "),
                (x, y),
                xytext=(5, 4),
                textcoords="offset points",
                fontsize=8,
                color=colour,
            )
    axes.set(xlabel="Fréchet distance", ylabel="held-out log ρ", title=title)
    axes.set_xscale("log")
    for plain in (axes.xaxis.set_major_formatter, axes.xaxis.set_minor_formatter):
        plain(LogFormatter(labelOnlyBase=False, minor_thresholds=(2, 0.5)))
    axes.grid(alpha=0.3, which="both")
    axes.legend(frameon=False)
    return figure


def _weight(arm: str) -> float:
    last = arm.split()[-1]
    return float(last) if last[0].isdigit() else 0.0


def strips(out: Path, arms: Mapping[str, str]) -> None:
    """Write `strips.png`: each held-out pair's path of one seed, arm under arm."""
    films = []
    for arm in arms.values():
        path = out / "models" / arm.replace(" ", "-") / "0" / "films.npz"
        if not path.exists():  # that run was lost
            return
        with np.load(path, allow_pickle=False) as kept:
            films.append(to_pixels(kept["images"].astype(np.float32)))
    rows = np.stack(films, 1)  # pairs, arms, stops
    flat = rows.reshape(-1, *rows.shape[3:])
    save_image(out / "strips.png", image_grid(flat, rows.shape[2]))
