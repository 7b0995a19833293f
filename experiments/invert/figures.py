"""Figures of an inversion: reconstructions, their errors, distances, convergence."""

from pathlib import Path

import numpy as np
from jaxtyping import Float
from matplotlib.figure import Figure

from experiments.invert.search import FoundCodes
from experiments.reporting.pictures import drawing

SHOWN_IMAGES = 10
SHOWN_STARTS = 6
"""Starts beside the best one in a row of `reconstructions.png`."""
STRENGTH = 5
"""By which differences between two reconstructions are multiplied to be seen."""
ALIKE = 0.5
"""Distance within which two images count as one, as in `minima.count_minima`."""
SAME = 1e-3
"""Distance of two codes below which the axis of `distances.png` is linear, at least."""
QUANTILES = (0.1, 0.25, 0.5, 0.75, 0.9)


def draw(
    out: Path,
    targets: Float[np.ndarray, "n height width channels"],
    found: FoundCodes,
    images: Float[np.ndarray, "shown starts pixels"],
) -> None:
    """Write `reconstructions.png`, `errors.png`, `distances.png`, `convergence.png`.

    Args:
        out: folder for the figures.
        targets: the images that were inverted, pixels in [-1, 1].
        found: the codes of all of them.
        images: images of the codes of the first targets, pixels in [0, 1].
    """
    shown = images[:SHOWN_IMAGES]
    with drawing(out / "reconstructions.png") as path:
        _reconstructions(visible(targets), found, shown).savefig(path, dpi=150)
    with drawing(out / "errors.png") as path:
        _errors(found).savefig(path, dpi=150)
    with drawing(out / "distances.png") as path:
        _distances(found, shown).savefig(path, dpi=150)
    with drawing(out / "convergence.png") as path:
        _convergence(found).savefig(path, dpi=150)


def visible(
    targets: Float[np.ndarray, "n height width channels"],
) -> Float[np.ndarray, "n height width *colours"]:
    """Return images in [0, 1], those in gray without an axis for their channel."""
    pixels = (targets + 1) / 2
    return pixels[..., 0] if pixels.shape[3] == 1 else pixels


def _reconstructions(
    pixels: np.ndarray, found: FoundCodes, images: np.ndarray
) -> Figure:
    """Draw each target beside its reconstructions, from the best start to the worst.

    Below each reconstruction is what it has more than the best one, or less.
    """
    count = len(images)
    figure = Figure(figsize=(1 + SHOWN_STARTS, 0.3 + 1.85 * count))
    figure.set_layout_engine("constrained", h_pad=0.01, w_pad=0.02, hspace=0)
    panels = figure.subplots(2 * count, 2 + SHOWN_STARTS, squeeze=False)
    for row in range(count):
        axes, below = panels[2 * row : 2 * row + 2]
        ends = np.flatnonzero(np.isfinite(found.errors[row]))
        order = ends[np.argsort(found.errors[row][ends])]
        places = np.linspace(0, len(order) - 1, 1 + SHOWN_STARTS).round().astype(int)
        axes[0].imshow(pixels[row], cmap="gray", vmin=0, vmax=1)
        made = images[row, order[places]].reshape(-1, *pixels.shape[1:])
        for image, start, panel in zip(made, order[places], axes[1:], strict=True):
            panel.imshow(image, cmap="gray", vmin=0, vmax=1)
            panel.set_title(f"{found.errors[row, start]:.1e}", fontsize=7, pad=2)
        for image, panel in zip(made[1:], below[2:], strict=True):
            change = STRENGTH * (image - made[0])
            gray = change.reshape(*change.shape[:2], -1).mean(2)
            panel.imshow(gray, cmap="RdBu", vmin=-1, vmax=1)
        for panel in (*axes, *below):
            panel.set_axis_off()
        below[1].text(0.5, 0.5, f"minus the best,\n× {STRENGTH}:", fontsize=7,
            ha="center", va="center", transform=below[1].transAxes)  # fmt: skip
    panels[0, 0].set_title("target", fontsize=8)
    return figure


def _errors(found: FoundCodes) -> Figure:
    """Draw a histogram of the errors of all starts, for each image."""
    count = min(len(found.errors), SHOWN_IMAGES)
    errors = np.where(np.isfinite(found.errors[:count]), found.errors[:count], np.nan)
    logs = np.log10(np.maximum(errors, 1e-12))
    bins = np.linspace(np.nanmin(logs) - 0.05, np.nanmax(logs) + 0.05, 40)
    figure = Figure(figsize=(6, 0.6 + 0.6 * count), layout="constrained")
    panels = figure.subplots(count, 1, sharex=True, squeeze=False)[:, 0]
    for number, axes in enumerate(panels):
        axes.hist(logs[number], bins, color="tab:blue")
        axes.set(yticks=[], ylabel=f"{number}")
        axes.spines[["top", "left", "right"]].set_visible(False)
    panels[-1].set_xlabel("log₁₀ of the mean squared error per pixel, one start each")
    figure.supylabel("image", fontsize=10)
    return figure


def _distances(found: FoundCodes, images: np.ndarray) -> Figure:
    """Draw the distance of two images over that of their codes, for pairs of starts."""
    figure = Figure(figsize=(5.5, 4), layout="constrained")
    axes = figure.subplots()
    least = np.inf
    for row, pictures in enumerate(images):
        ends = np.flatnonzero(np.isfinite(found.errors[row]))
        first, second = np.triu_indices(len(ends), 1)
        codes, looks = found.latents[row][ends], pictures[ends]
        apart = np.linalg.norm(codes[first] - codes[second], axis=1)
        least = np.min(apart[apart > SAME], initial=least)
        axes.plot(
            apart,
            np.linalg.norm(looks[first] - looks[second], axis=1),
            ".",
            markersize=2,
            alpha=0.5,
            label=f"{row + 1}",
        )
    axes.axhline(ALIKE, color="k", linewidth=0.8, linestyle=":")
    axes.annotate("alike below", (0.4, ALIKE), (0, 2), textcoords="offset points",
        xycoords=("axes fraction", "data"), fontsize=8)  # fmt: skip
    axes.set(
        xlabel="distance of two codes ‖z₁ − z₂‖",
        ylabel="distance of their images ‖G(z₁) − G(z₂)‖",
    )
    linear = 10.0 ** np.floor(np.log10(least)) if np.isfinite(least) else SAME
    axes.set_xscale("symlog", linthresh=linear)
    axes.set_xlim(left=-linear / 2)  # same codes are at 0
    axes.grid(alpha=0.3)
    axes.legend(
        title="target number", frameon=False, markerscale=5, fontsize=7, ncols=2
    )
    return figure


def _convergence(found: FoundCodes) -> Figure:
    """Draw quantiles over images of the least error, over the cost in gradients."""
    best = np.nanmin(found.history, 2)
    figure = Figure(figsize=(6, 3.6), layout="constrained")
    axes = figure.subplots()
    low, lower, middle, upper, high = np.quantile(best, QUANTILES, axis=1)
    axes.fill_between(
        found.gradients, low, high, color="tab:blue", alpha=0.15, label="10–90 %"
    )
    axes.fill_between(
        found.gradients, lower, upper, color="tab:blue", alpha=0.3, label="25–75 %"
    )
    axes.plot(found.gradients, middle, color="tab:blue", label="median image")
    axes.set(
        yscale="log",
        xlabel="gradients for each image, all starts together",
        ylabel="best mean squared error per pixel",
    )
    axes.grid(alpha=0.3, which="both")
    axes.legend(frameon=False)
    return figure
