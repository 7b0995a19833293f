"""Pictures of a run: grids of images, animations, and the curves of its losses."""

import os
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TypeAlias

import matplotlib as mpl
import numpy as np
from jaxtyping import UInt8
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.ticker import AutoLocator, LogLocator, NullLocator, StrMethodFormatter
from PIL import Image as PILImage

from jaxgan.errors import first_line

Row: TypeAlias = Mapping[str, float | int | None]
"""One logged epoch: a line of `metrics.jsonl`."""


_one_at_a_time = threading.Lock()


@contextmanager
def drawing(path: Path) -> Iterator[Path]:
    """Yield the path of a picture that is made inside, as Matplotlib does by default.

    Settings of the user, such as other fonts or LaTeX, have no effect. A picture that
    cannot be drawn or written costs itself only: a warning says so.
    """
    try:
        # Matplotlib's settings are those of the whole process.
        with _one_at_a_time, mpl.rc_context():
            mpl.rcdefaults()
            yield path
    except Exception as error:  # of Matplotlib, of Pillow, of the disk
        said = error.strerror if isinstance(error, OSError) else None
        line = said or f"{type(error).__name__}: {first_line(error)}"
        print(f"warning: {path} is not drawn: {line}", file=sys.stderr)


def image_grid(
    images: UInt8[np.ndarray, "n height width channels"], columns: int
) -> UInt8[np.ndarray, "grid_height grid_width *colours"]:
    """Return images as one, row by row with two dark pixels between them.

    A last row that is not full is padded with black.

    Raises:
        ValueError: if `columns` is below 1.
    """
    if columns < 1:
        raise ValueError(f"columns must be at least 1, got {columns}")
    gap = 2
    count, height, width, channels = images.shape
    rows = -(-count // columns)
    cells = np.zeros((rows * columns, height + gap, width + gap, channels), np.uint8)
    cells[:count, :height, :width] = images
    grid = cells.reshape(rows, columns, *cells.shape[1:]).swapaxes(1, 2)
    grid = grid.reshape(rows * (height + gap), columns * (width + gap), channels)
    grid = np.pad(grid, ((gap, 0), (gap, 0), (0, 0)))
    return grid[..., 0] if channels == 1 else grid


def number_logarithms(axis: Axis) -> None:
    """Give a logarithmic axis numbers all along what is drawn, be it short or long."""
    low, high = axis.get_view_interval()
    short = high < 5 * low
    axis.set_major_locator(AutoLocator() if short else LogLocator(subs=(1, 2, 5)))
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(StrMethodFormatter("{x:g}"))


def film_strips(
    rows: Sequence[tuple[str, UInt8[np.ndarray, "n height width channels"]]],
) -> Figure:
    """Return a figure of strips of images, each with its name, one below another."""
    longest = max(len(strip) for _, strip in rows)
    size = 1.2 + 0.52 * longest, 0.55 * len(rows) + 0.1
    figure = Figure(figsize=size, layout="constrained")
    panels = figure.subplots(len(rows), squeeze=False)[:, 0]
    for axes, (name, strip) in zip(panels, rows, strict=True):
        axes.imshow(image_grid(strip, len(strip)), cmap="gray", vmin=0, vmax=255)
        axes.set(xticks=[], yticks=[])
        axes.set_ylabel(name, rotation=0, ha="right", va="center")
        axes.spines[:].set_visible(False)
    return figure


def save_image(path: Path, pixels: UInt8[np.ndarray, "height width *colours"]) -> None:
    """Write one image, gray or in colour, each pixel as a square of two by two.

    The file is replaced when the new one is complete: a viewer never sees half of it.
    """
    enlarged = pixels.repeat(2, axis=0).repeat(2, axis=1)
    temporary = path.with_name(f".{path.name}")
    try:
        PILImage.fromarray(enlarged).save(temporary)
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def save_animation(path: Path, frames: Sequence[Path], *, seconds: float) -> None:
    """Write images of one size as a GIF that repeats without end.

    Args:
        path: where to write it.
        frames: image files.
        seconds: about how long one round takes, without the pause of a second and a
            half at its last frame.

    Raises:
        ValueError: if there are no frames.
    """
    if not frames:
        raise ValueError("an animation needs at least one frame, got none")
    # GIF delays are multiples of 10 ms, and viewers slow down those below 20 ms.
    delay = max(20, round(100 * seconds / len(frames)) * 10)
    first, *rest = [PILImage.open(frame).copy() for frame in frames]
    delays = [delay] * len(rest) + [1500]
    first.save(path, save_all=True, append_images=rest, duration=delays, loop=0)


def losses_figure(rows: Sequence[Row], *, title: str) -> Figure:
    """Return a figure of a run's curves over the epochs: estimates, losses, gradients.

    Args:
        rows: what was logged in each epoch, with the keys of `metrics.jsonl`.
        title: title of the figure.
    """
    figure = Figure(figsize=(7, 7.5), layout="constrained")
    top, middle, bottom = figure.subplots(3, sharex=True)
    figure.suptitle(title)
    _curves(
        top,
        rows,
        {
            "wasserstein_estimate": "training digits",
            "wasserstein_estimate_heldout": "held-out digits",
        },
        "mean score,\nreal − fake",
    )
    _curves(
        middle,
        rows,
        {"critic_loss": "critic", "generator_loss": "generator"},
        "loss",
    )
    _curves(
        bottom,
        rows,
        {"gradient_norm": "gradient norm", "gradient_penalty": "penalty"},
        "critic's gradient",
    )
    bottom.set_xlabel("epoch")
    if not bottom.lines:
        bottom.remove()
        middle.set_xlabel("epoch")
        middle.tick_params(labelbottom=True)
    return figure


def _curves(
    axes: Axes,
    rows: Sequence[Row],
    labels: Mapping[str, str],
    quantity: str,
) -> None:
    for key, label in labels.items():
        points = [(row["epoch"], row.get(key)) for row in rows]
        points = [(x, y) for x, y in points if x is not None and y is not None]
        if points:
            axes.plot(*zip(*points, strict=True), label=label, linewidth=1.2)
    axes.set_ylabel(quantity)
    axes.grid(alpha=0.3)
    if axes.lines:
        axes.legend(frameon=False)
