"""Figures of a penalty sweep: the Pareto frontier, and film strips of paths."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Float
from matplotlib.figure import Figure

from experiments.path_gan import given
from experiments.path_gan.arms import BETWEEN, ENCODER, PLAIN, Arm, run_folder
from experiments.reporting.pictures import film_strips, number_logarithms
from jaxgan.pixels import to_pixels

STYLES = {
    "none": ("black", "o", "no penalty"),
    "path": ("tab:red", "o", "paths of least energy"),
    "line": ("tab:gray", "s", "straight lines"),
    "length": ("tab:blue", "^", "path lengths (StyleGAN2)"),
    ENCODER: ("tab:green", "D", "encoder"),
}
"""Colour, marker and label by penalty."""

LINES = ("-", "--", ":", "-.")
"""Of arms that differ in their weight only, in turn."""

Seeds = Float[np.ndarray, "seeds"]
PointsOfSeeds = Float[np.ndarray, "points seeds"]


def pareto(
    panels: Mapping[str, Mapping[Arm, tuple[Seeds, Seeds]]], title: str
) -> Figure:
    """Draw log ρ against Fréchet distances, a line for each penalty as it grows.

    Hollow markers are arms with codes between two codes in their batches.

    Args:
        panels: for each kind of Fréchet distance, it and log ρ of every seed, by arm.
        title: of the figure.
    """
    width = 6.4 if len(panels) == 1 else 4.8 * len(panels)
    figure = Figure(figsize=(width, 4.6), layout="constrained")
    for axes, (name, points) in zip(
        np.atleast_1d(figure.subplots(1, len(panels), sharey=True)),
        panels.items(),
        strict=True,
    ):
        for penalty in STYLES:
            for variant in ("", BETWEEN):
                own = [arm for arm in points if arm.penalty == penalty]
                own = [arm for arm in own if (arm.variant == BETWEEN) == bool(variant)]
                if own:
                    _series(axes, points, sorted(own, key=lambda arm: arm.weight))
        axes.set(xlabel=name)
        _logarithmic(axes)
    figure.axes[0].set_ylabel("held-out log ρ")
    handles = figure.axes[0].get_legend_handles_labels()
    figure.legend(*handles, loc="outside lower center", ncols=4, frameon=False)
    figure.suptitle(title, fontsize="medium")
    return figure


def _series(axes, points: Mapping[Arm, tuple[Seeds, Seeds]], arms: list[Arm]) -> None:
    colour, marker, label = STYLES[arms[0].penalty]
    between = arms[0].variant == BETWEEN
    distances, scores = (
        np.array([points[arm][axis] for arm in arms]) for axis in (0, 1)
    )
    _points(
        axes,
        distances,
        scores,
        color=colour,
        marker=marker,
        markerfacecolor="white" if between else colour,
        linestyle="" if arms[0].penalty == PLAIN.penalty else "-",
        label=f"{label}, {BETWEEN}" if between else label,
    )
    for arm, x, y in zip(arms, distances.mean(1), scores.mean(1), strict=True):
        text = f"{arm.weight:g}" if arm.weight else arm.variant
        if text and text != BETWEEN:
            axes.annotate(
                text,
                (x, y),
                xytext=(5, 4),
                textcoords="offset points",
                fontsize=8,
                color=colour,
            )


def _points(axes, x: PointsOfSeeds, y: PointsOfSeeds, **style: str) -> None:
    """Draw means over seeds, with bars of a standard deviation both ways."""
    axes.errorbar(
        x.mean(1),
        y.mean(1),
        xerr=x.std(1, ddof=1),
        yerr=y.std(1, ddof=1),
        markersize=5,
        linewidth=0.8,
        capsize=2,
        **style,
    )


def _logarithmic(axes) -> None:
    axes.set_xscale("log")
    number_logarithms(axes.xaxis)
    axes.grid(alpha=0.3)


def given_digits(
    rows: Mapping[Arm, Sequence[Mapping[str, float]]], title: str
) -> Figure:
    """Draw the energy of paths between given digits against the error of their codes.

    Args:
        rows: numbers of every seed, by arm.
        title: of the figure.
    """
    figure = Figure(figsize=(6.4, 4.6), layout="constrained")
    axes = figure.subplots()
    seen: list[tuple[str, str]] = []
    for arm, each in rows.items():
        colour, marker, _ = STYLES[arm.penalty]
        kind = arm.penalty, arm.variant
        line = LINES[seen.count(kind) % len(LINES)]
        seen.append(kind)
        errors, energies = (
            np.array(
                [[r[given.number(q, w)] for r in each] for w in given.PRIOR_WEIGHTS]
            )
            for q in ("error", "energy")
        )
        _points(
            axes,
            errors,
            energies,
            color=colour,
            marker=marker,
            markerfacecolor="white" if arm.variant else colour,
            linestyle=line,
            label=arm.name,
        )
        if arm == PLAIN:
            for weight, x, y in zip(
                given.PRIOR_WEIGHTS, errors.mean(1), energies.mean(1), strict=True
            ):
                axes.annotate(
                    f"κ = {weight:g}",
                    (x, y),
                    xytext=(7, 3),
                    textcoords="offset points",
                    fontsize=8,
                )
    axes.set(xlabel="squared error per pixel at the ends", ylabel="energy U")
    axes.set_yscale("log")
    _logarithmic(axes)
    axes.margins(x=0.12)
    axes.legend(frameon=False, loc="lower left")
    figure.suptitle(f"Paths between given digits: {title}", fontsize="medium")
    return figure


def strips(out: Path, arms: Sequence[Arm]) -> Figure:
    """Draw, for each of a few pairs of codes, its path in each arm, seed 0.

    The images at the ends differ, since each generator makes its own of a code.

    Args:
        out: folder of the experiment.
        arms: from top to bottom; none of them lost.
    """
    films = []
    for arm in arms:
        with np.load(run_folder(out, arm, 0) / "films.npz", allow_pickle=False) as kept:
            films.append(to_pixels(kept["images"].astype(np.float32)))
    return film_strips(
        [
            (arm.name, strip)
            for pair in zip(*films, strict=True)
            for arm, strip in zip(arms, pair, strict=True)
        ]
    )
