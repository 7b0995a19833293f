"""Figures of paths: their images, their energies, and the convergence of methods."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from jaxtyping import Float
from matplotlib.figure import Figure

from experiments.path.along import STOPS, Profile
from experiments.path.pairs import Pairs
from experiments.path.realism import Realism, Seen
from experiments.path.search import GAP, Convergence, FoundPaths
from experiments.reporting.pictures import (
    drawing,
    film_strips,
    image_grid,
    save_animation,
    save_image,
)
from jaxgan.pixels import to_pixels

SHOWN = 2
"""Pairs with a film strip."""
ROUND_TRIP_SECONDS = 3.0
SCALE_COLOURS = {"real digits": "tab:green", "averages of two": "tab:purple"}
COLOURS = {"line": "tab:gray", "slerp": "tab:blue", "minimiser": "tab:red"}


def draw(
    out: Path,
    pairs: Pairs,
    found: FoundPaths,
    profiles: Mapping[str, Profile],
    realism: Realism,
) -> None:
    """Write the figures of every run, with or without a comparison and a plane."""
    for number in range(min(SHOWN, len(pairs.codes_a))):
        name = "strip.png" if number == 0 else f"strip-{number}.png"
        with drawing(out / name) as path:
            film_strip(pairs, profiles, number).savefig(path, dpi=120)
    with drawing(out / "path.gif") as path:
        _animation(path, out / "frames", profiles)
    with drawing(out / "metric.png") as path:
        _metric(profiles).savefig(path, dpi=120)
    with drawing(out / "rho.png") as path:
        _scores(found).savefig(path, dpi=120)
    with drawing(out / "realism.png") as path:
        _realism(profiles, realism).savefig(path, dpi=120)


def film_strip(pairs: Pairs, profiles: Mapping[str, Profile], number: int) -> Figure:
    """Draw a row for each kind of path, between the two images of the pair.

    The last row is no path: plain averages of the two images, more and more of the
    second one.
    """
    ends = pairs.images_a[number], pairs.images_b[number]
    shares = np.linspace(0, 1, STOPS + 1)[:, None, None, None]
    rows = {name: profile.images[number] for name, profile in profiles.items()}
    rows["cross-fade"] = 2 * ((1 - shares) * ends[0] + shares * ends[1]) - 1
    first, last = (to_pixels(2 * image[None] - 1) for image in ends)
    return film_strips(
        [
            (name, np.concatenate([first, to_pixels(images), last]))
            for name, images in rows.items()
        ]
    )


def _animation(film: Path, folder: Path, profiles: Mapping[str, Profile]) -> None:
    """Write a film: all kinds of paths of the first pair, side by side."""
    folder.mkdir(exist_ok=True)
    films = [to_pixels(profile.images[0]) for profile in profiles.values()]
    files = []
    for number, frames in enumerate(zip(*films, strict=True)):
        files.append(folder / f"{number:03d}.png")
        save_image(files[-1], image_grid(np.stack(frames), len(frames)))
    seconds = ROUND_TRIP_SECONDS
    save_animation(film, [*files, *files[-2:0:-1]], seconds=seconds)


def _curves(axes, profiles: Mapping[str, Profile], quantity: str) -> None:
    """Draw the median over pairs, and the quartiles around it."""
    for name, profile in profiles.items():
        values = getattr(profile, quantity)
        shares = np.linspace(0, 1, values.shape[1])
        low, middle, high = np.quantile(values, (0.25, 0.5, 0.75), axis=0)
        axes.plot(shares, middle, color=COLOURS[name], label=name)
        axes.fill_between(shares, low, high, color=COLOURS[name], alpha=0.12)
    axes.grid(alpha=0.3)


def _metric(profiles: Mapping[str, Profile]) -> Figure:
    """Draw λ along the paths: of the first pair, and of all pairs."""
    figure = Figure(figsize=(8, 3), layout="constrained")
    left, right = figure.subplots(1, 2)
    for name, profile in profiles.items():
        shares = np.linspace(0, 1, profile.values.shape[1])
        left.plot(shares, profile.values[0], color=COLOURS[name], label=name)
    left.set(ylabel="λ", title="first pair")
    left.grid(alpha=0.3)
    left.legend(frameon=False)
    _curves(right, profiles, "values")
    right.set(title="all pairs: median and quartiles")
    for axes in (left, right):
        axes.set(xlabel="share of the path's length")
        axes.set_ylim(bottom=0)
    return figure


def _scores(found: FoundPaths) -> Figure:
    """Draw ρ of each pair's minimiser against that of its line and of its slerp."""
    figure = Figure(figsize=(4.2, 4), layout="constrained")
    axes = figure.subplots()
    rho = found.rho(found.record.energy)
    befores = {
        "line": found.rho(found.record.energy_line),
        "slerp": found.rho(found.record.energy_slerp),
    }
    for name, before in befores.items():
        axes.plot(before, rho, "o", markersize=4, color=COLOURS[name], label=name)
    ends = [rho.min(), np.nanmax(np.concatenate([*befores.values(), rho]))]
    axes.plot(ends, ends, "k-", linewidth=0.8, label="no gain")
    axes.set(xlabel="ρ before", ylabel="ρ of the minimiser")
    axes.grid(alpha=0.3)
    axes.legend(frameon=False)
    return figure


def _realism(profiles: Mapping[str, Profile], realism: Realism) -> Figure:
    """Draw how much the images look like digits, median and quartiles over pairs.

    Dotted lines are the scale: medians of real digits and of averages of two of them.
    """
    figure = Figure(figsize=(10, 3), layout="constrained")
    labels = {
        "confidence": "judge's confidence",
        "training": "distance to the nearest\ntraining image",
        "average": "distance to the\naverage of the two ends",
    }
    for axes, (quantity, label) in zip(
        figure.subplots(1, 3), labels.items(), strict=True
    ):
        _curves(axes, profiles, quantity)
        if quantity in Seen._fields:
            for name, seen in (
                ("real digits", realism.real),
                ("averages of two", realism.crossfade),
            ):
                axes.axhline(
                    np.median(getattr(seen, quantity)),
                    color=SCALE_COLOURS[name],
                    linestyle=":",
                    label=name,
                )
        axes.set(ylabel=label, xlabel="share of the path's length")
        axes.set_ylim(bottom=0)
    figure.axes[0].legend(frameon=False, fontsize=8)
    return figure


def convergence(
    methods: Mapping[str, Convergence], least: Float[np.ndarray, "pairs"]
) -> Figure:
    """Draw the gap to the least energy against evaluations, median over pairs."""
    figure = Figure(figsize=(6, 3.8), layout="constrained")
    axes = figure.subplots()
    for name, one in methods.items():
        gaps = np.median(one.history / least[:, None] - 1, 0)
        counts = np.median(one.cost) + np.arange(1, len(gaps) + 1)
        axes.plot(counts, np.maximum(gaps, 1e-7), label=name)
    axes.axhline(GAP, color="k", linewidth=0.8, linestyle=":")
    axes.set(
        xscale="log",
        yscale="log",
        xlabel="evaluations of the gradient, in those of the finest level",
        ylabel="gap to the least energy, median pair",
    )
    axes.grid(alpha=0.3, which="both")
    axes.legend(frameon=False)
    return figure
