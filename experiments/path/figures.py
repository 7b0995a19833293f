"""Figures of paths: what is on them, what they cost, how they were found."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from jaxtyping import Float
from matplotlib.figure import Figure

from experiments.path.along import Along
from experiments.path.pairs import Pairs
from experiments.path.search import GAP, Paths, Race
from experiments.reporting.pictures import image_grid, save_animation, save_image
from jaxgan.pixels import to_pixels

SHOWN = 2
ROUND_TRIP_SECONDS = 3
COLOURS = {"line": "tab:gray", "slerp": "tab:blue", "minimiser": "tab:red"}


def draw(out: Path, pairs: Pairs, found: Paths, seen: Mapping[str, Along]) -> None:
    """Write all figures but those of the race and of the map."""
    for number in range(min(SHOWN, len(pairs.codes_a))):
        name = "strip.png" if number == 0 else f"strip-{number}.png"
        save_image(out / name, film_strip(pairs, seen, number))
    _animation(out, seen)
    _metric(seen).savefig(out / "metric.png", dpi=120)
    _scores(found).savefig(out / "rho.png", dpi=120)
    _realism(seen).savefig(out / "realism.png", dpi=120)


def film_strip(
    pairs: Pairs, seen: Mapping[str, Along], number: int
) -> Float[np.ndarray, "height width"]:
    """A row each for line, slerp and minimiser; the images themselves at both ends."""
    first, last = (
        to_pixels(2 * images[number : number + 1] - 1)
        for images in (pairs.images_a, pairs.images_b)
    )
    rows = [
        np.concatenate([first, to_pixels(kind.images[number]), last])
        for kind in seen.values()
    ]
    return image_grid(np.concatenate(rows), len(rows[0]))


def _animation(out: Path, seen: Mapping[str, Along]) -> None:
    """Line, slerp and minimiser of the first pair side by side, there and back."""
    folder = out / "frames"
    folder.mkdir(exist_ok=True)
    films = [to_pixels(kind.images[0]) for kind in seen.values()]
    files = []
    for number, frames in enumerate(zip(*films, strict=True)):
        files.append(folder / f"{number:03d}.png")
        save_image(files[-1], image_grid(np.stack(frames), len(frames)))
    seconds = ROUND_TRIP_SECONDS
    save_animation(out / "path.gif", [*files, *files[-2:0:-1]], seconds=seconds)


def _curves(axes, seen: Mapping[str, Along], quantity: str) -> None:
    """Median over pairs and the middle half of them."""
    for name, kind in seen.items():
        values = getattr(kind, quantity)
        shares = np.linspace(0, 1, values.shape[1])
        low, middle, high = np.quantile(values, (0.25, 0.5, 0.75), axis=0)
        axes.plot(shares, middle, color=COLOURS[name], label=name)
        axes.fill_between(shares, low, high, color=COLOURS[name], alpha=0.12)
    axes.grid(alpha=0.3)


def _metric(seen: Mapping[str, Along]) -> Figure:
    """λ along the paths: of the first pair, and of all."""
    figure = Figure(figsize=(8, 3), layout="constrained")
    left, right = figure.subplots(1, 2)
    for name, kind in seen.items():
        shares = np.linspace(0, 1, kind.values.shape[1])
        left.plot(shares, kind.values[0], color=COLOURS[name], label=name)
    left.set(ylabel="λ", title="first pair")
    left.grid(alpha=0.3)
    left.legend(frameon=False)
    _curves(right, seen, "values")
    right.set(title="all pairs: median, middle half")
    for axes in (left, right):
        axes.set(xlabel="share of the path's length")
        axes.set_ylim(bottom=0)
    return figure


def _scores(found: Paths) -> Figure:
    """ρ of each pair's line and slerp against that of its minimiser."""
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


def _realism(seen: Mapping[str, Along]) -> Figure:
    """How like digits the images are, median over pairs."""
    figure = Figure(figsize=(10, 3), layout="constrained")
    labels = {
        "confidence": "judge's confidence",
        "training": "distance to the nearest\ntraining image",
        "average": "distance to the\naverage of the two ends",
    }
    for axes, (quantity, label) in zip(
        figure.subplots(1, 3), labels.items(), strict=True
    ):
        _curves(axes, seen, quantity)
        axes.set(ylabel=label, xlabel="share of the path's length")
        axes.set_ylim(bottom=0)
    figure.axes[0].legend(frameon=False)
    return figure


def convergence(races: Mapping[str, Race], least: Float[np.ndarray, "pairs"]) -> Figure:
    """Gap to the least energy of each method against evaluations, median pair."""
    figure = Figure(figsize=(6, 3.8), layout="constrained")
    axes = figure.subplots()
    for name, one in races.items():
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
