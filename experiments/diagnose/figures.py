"""The figure of a diagnosis: errors and lengths of codes against κ, and the images."""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure

from experiments.diagnose.evidence import Codes, Evidence
from experiments.diagnose.judged import Judged
from experiments.diagnose.verdict import BAD
from jaxgan.networks import FinishedGenerator

SHOWN = 10
"""Images at most; the worst inverted ones come first."""
LEAST_ERROR, LEAST_LENGTH = 1e-8, 1e-2
"""What is less is drawn there."""
THOROUGH, JUDGED, OWN = "tab:blue", "tab:red", "tab:green"
BAD_LABEL = f"{BAD:.0%} of a trivial image's: bad above"
LABELS = (
    *("thorough search, median and range", "judged search, median and range"),
    *("trivial image", BAD_LABEL),
    *("own images, thorough search", "own images, judged search"),
    *("nearest sample", "90% of the prior", "√d, d latent dimensions"),
)
"""Those of the legend, in its order."""
SIDE, GAP = 28, 3
"""Pixels of an image, and between two of them."""


def draw(
    generator: FinishedGenerator,
    targets: Float[np.ndarray, "n 28 28 1"],
    judged: Judged,
    found: Evidence,
) -> Figure:
    """Return the figure.

    Args:
        generator: with pixels in [-1, 1].
        targets: pixels in [-1, 1].
        judged: the search that is judged.
        found: what was measured.
    """
    figure = Figure(figsize=(8.4, 7.2), layout="constrained")
    above, below = np.asarray(figure.subfigures(2, 1, height_ratios=(4, 3)), object)
    left, right = above.subplots(1, 2, width_ratios=(1.2, 1))
    _errors(left, judged, found)
    _lengths(right, judged, found)
    _legend(above)
    order = np.argsort(-found.judged.errors, kind="stable")[:SHOWN]
    rows = {
        "target": targets[order],
        "judged search": _images(generator, found.judged, order),
        "thorough search": _images(generator, found.thorough, order),
        "nearest sample": _images(generator, found.nearest, order),
    }
    _strips(below.subplots(), rows, order)
    return figure


def _images(
    generator: FinishedGenerator, codes: Codes, order: np.ndarray
) -> np.ndarray:
    made = jax.jit(generator.generate)(jnp.asarray(codes.latents[order], jnp.float32))
    return np.asarray(made)


def _errors(axes: Axes, judged: Judged, found: Evidence) -> None:
    """Draw the errors of the targets against κ, beside what they compare with."""
    _against_weight(
        axes,
        judged,
        found,
        np.maximum(found.swept_errors, LEAST_ERROR),
        np.maximum(found.judged.errors, LEAST_ERROR),
    )
    lines = {
        "trivial image": (found.trivial, ":", "black"),
        BAD_LABEL: (BAD * found.trivial, "--", "black"),
        "nearest sample": (found.nearest.errors, "-.", "tab:gray"),
        "own images, thorough search": (found.own, "-", OWN),
        "own images, judged search": (found.own_judged, "--", OWN),
    }
    ends = axes.get_xlim()
    for label, (errors, style, color) in lines.items():
        if errors is not None:
            height = max(float(np.median(errors)), LEAST_ERROR)
            style = {"color": color, "linestyle": style, "linewidth": 1.2}
            axes.plot(ends, [height, height], label=label, **style)
    axes.set_title("error of the targets, mean square per pixel", fontsize=10)


def _lengths(axes: Axes, judged: Judged, found: Evidence) -> None:
    """Draw the lengths of codes against κ, beside those of the prior."""
    prior = np.quantile(found.prior_norms, (0.05, 0.95))
    style = {"color": "tab:gray", "alpha": 0.35, "linewidth": 0}
    axes.axhspan(*prior, **style, label="90% of the prior")
    norms = np.linalg.norm(found.judged.latents, axis=1)
    _against_weight(
        axes,
        judged,
        found,
        np.maximum(found.swept_norms, LEAST_LENGTH),
        np.maximum(norms, LEAST_LENGTH),
        labelled=False,
    )
    root = np.sqrt(found.judged.latents.shape[1])
    axes.axhline(root, color="tab:purple", linewidth=1, label="√d, d latent dimensions")
    axes.set_title("length of their codes, ‖z‖", fontsize=10)


def _legend(figure: SubFigure) -> None:
    """Draw one legend for all panels, each column with what belongs together."""
    pairs = [axes.get_legend_handles_labels() for axes in figure.axes]
    found = {
        label: handle
        for handles, labels in pairs
        for handle, label in zip(handles, labels, strict=True)
    }
    labels = [label for label in LABELS if label in found]
    figure.legend(
        [found[label] for label in labels],
        labels,
        loc="outside lower center",
        ncols=3,
        frameon=False,
        fontsize=8,
    )


def _against_weight(
    axes: Axes,
    judged: Judged,
    found: Evidence,
    swept: Float[np.ndarray, "weights n"],
    values: Float[np.ndarray, "n"],
    *,
    labelled: bool = True,
) -> None:
    """Draw the median and the range of both searches."""
    places = np.arange(len(found.weights))
    low, middle, high = np.quantile(swept, (0, 0.5, 1), axis=1)
    axes.fill_between(places, low, high, color=THOROUGH, alpha=0.15, linewidth=0)
    axes.plot(
        places,
        middle,
        "o-",
        color=THOROUGH,
        markersize=4,
        label="thorough search, median and range" if labelled else None,
    )
    middle = np.median(values)
    axes.errorbar(
        [np.searchsorted(found.weights, judged.prior_weight) - 0.2],
        [middle],
        yerr=[[middle - values.min()], [values.max() - middle]],
        fmt="s",
        color=JUDGED,
        markersize=5,
        capsize=3,
        label="judged search, median and range" if labelled else None,
    )
    axes.set(
        yscale="log",
        xlim=(places[0] - 0.5, places[-1] + 0.5),
        xticks=places,
        xticklabels=[f"{weight:g}" for weight in found.weights],
        xlabel="weight κ of ½κ‖z‖²",
    )
    axes.grid(alpha=0.3, axis="y")


def _strips(axes: Axes, rows: dict[str, np.ndarray], numbers: np.ndarray) -> None:
    """Draw the images, a row for each kind and a column for each target."""
    step = SIDE + GAP
    grid = np.ones((len(rows) * step, SHOWN * step))
    for row, images in enumerate(rows.values()):
        for column, image in enumerate(images):
            top, left = row * step, column * step
            grid[top : top + SIDE, left : left + SIDE] = image[..., 0]
    axes.imshow(grid, cmap="gray", vmin=-1, vmax=1)
    middles = np.arange(SHOWN) * step + SIDE / 2
    axes.set_yticks(middles[: len(rows)], list(rows))
    axes.set_xticks(middles[: len(numbers)], [str(number) for number in numbers])
    axes.xaxis.tick_top()
    axes.tick_params(length=0, labelsize=9)
    axes.set_title("images by their numbers, the worst inverted first", fontsize=10)
    axes.spines[:].set_visible(False)
