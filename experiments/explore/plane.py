"""The fourth panel: a latent plane as a sheet of digits, and λ on it as a map."""

import io
from functools import partial
from pathlib import Path

import gradio as gr
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, UInt8
from matplotlib.figure import Figure
from PIL import Image

from experiments.explore import views
from experiments.explore.walk import COLOURS
from experiments.explore.ways import TITLES, Walk, walk
from experiments.explore.workbench import Workbench, images_of
from experiments.reporting.pictures import drawing
from experiments.running import generators
from jaxgan import paths

SIDE = 20
"""Digits of the sheet along each axis."""
REACH = 3.0
"""The sheet goes from -REACH to REACH along both axes."""
GRID = 121
"""Points of the map along each axis."""
FIRST = (0, 1)
"""Numbers of the two digits of the map that is shown at the beginning."""


def sheet(bench: Workbench) -> UInt8[np.ndarray, "height width"]:
    """Return the plane as a sheet of digits; the second coordinate grows upward."""
    ticks = np.linspace(-REACH, REACH, SIDE)
    codes = np.stack(np.meshgrid(ticks, ticks[::-1]), -1).reshape(-1, 2)
    rows = images_of(bench.plane, codes).reshape(SIDE, SIDE, 28, 28)
    return rows.swapaxes(1, 2).reshape(28 * SIDE, 28 * SIDE)


def code_at(column: int, row: int) -> Float[np.ndarray, "2"]:
    """Return the code of a pixel of the sheet."""
    across, down = (np.array([column, row]) / 28 - 0.5) / (SIDE - 1)
    return (REACH * np.array([2 * across - 1, 1 - 2 * down])).astype(np.float32)


@partial(jax.jit, static_argnums=0)
def _heights(size: int, metrics, item, low, high):
    """Return λ on a grid between two corners."""
    steps = jnp.linspace(0, 1, size)

    def row(step):
        codes = jnp.stack([steps, jnp.full_like(steps, step)], 1)
        return metrics.metric_of(item)(low[None] + codes * (high - low)[None])

    return jax.lax.map(row, steps)


def heights(
    bench: Workbench, found: Walk
) -> tuple[Float[np.ndarray, "y x"], np.ndarray, np.ndarray]:
    """Return λ of two digits on a grid around the paths, and its two corners."""
    metrics = paths.between_images(generators.in_pixels(bench.plane))
    item = tuple(found.digits[..., None].astype(np.float32) / 255)
    every = np.concatenate([way.path for way in found.ways.values()])
    middle = (every.min(0) + every.max(0)) / 2
    half = max(float(np.ptp(every, axis=0).max()) / 2 + 0.5, 1.5)
    low, high = (middle - half).astype(np.float32), (middle + half).astype(np.float32)
    return np.asarray(_heights(GRID, metrics, item, low, high)), low, high


def plot(bench: Workbench, found: Walk) -> np.ndarray:
    """Return a map of λ with the three paths."""
    values, low, high = heights(bench, found)
    file = io.BytesIO()
    with drawing(Path("map")):
        figure = Figure(figsize=(5.6, 4.8), layout="constrained")
        axes = figure.subplots()
        image = axes.imshow(
            np.log10(values),
            origin="lower",
            extent=(low[0], high[0], low[1], high[1]),
            cmap="viridis",
        )
        for name, way in found.ways.items():
            axes.plot(*way.path.T, color=COLOURS[name], label=TITLES[name], linewidth=2)
        axes.plot(*found.codes.T, "wo", markersize=6)
        axes.set(xlabel="z₁", ylabel="z₂")
        axes.legend(fontsize=8)
        figure.colorbar(image, ax=axes, shrink=0.8, label="log₁₀ λ")
        figure.savefig(file, dpi=110, format="png")
    return np.asarray(Image.open(file).convert("RGB"))


def build(bench: Workbench, first: Walk) -> None:
    """Add the panel to the page.

    Args:
        bench: what it works with.
        first: the walk between the digits `FIRST` on the plane.
    """
    views.introduce(
        "Plane",
        f"All of the latent plane of `{bench.plane_source}` lies before you: the digit "
        "at each place is the image of that code. Beside it is λ of two digits, the "
        "metric that paths between them are measured with.",
    )
    names = [f"{label} (number {n})" for n, label in enumerate(bench.labels)]
    with gr.Row():
        with gr.Column(min_width=300):
            picture = views.picture(
                sheet(bench), "Choose a place:", "sheet", interactive=False
            )
            place = gr.HTML(_here(bench, 14 * SIDE, 14 * SIDE), elem_id="here")
        with gr.Column(min_width=300):
            with gr.Row():
                ends = [
                    gr.Dropdown(
                        names, value=names[n], type="index", label=label, min_width=120
                    )
                    for n, label in zip(FIRST, ("from", "to"), strict=True)
                ]
            go = gr.Button("Draw the map", variant="primary")
            picture_of_map = views.picture(
                plot(bench, first), "λ and the three paths:", "map"
            )

    def choose(event: gr.SelectData) -> str:
        return _here(bench, *event.index)

    def draw(start: int, end: int) -> np.ndarray:
        digits = bench.digits[[start, end], ..., 0]
        try:
            return plot(bench, walk(bench, bench.plane, digits))
        except ValueError as error:
            raise views.complaint(str(error)) from error

    picture.select(choose, None, place, show_progress="hidden")
    go.click(draw, ends, picture_of_map)


def _here(bench: Workbench, column: int, row: int) -> str:
    code = code_at(column, row)
    (image,) = images_of(bench.plane, code[None])
    return views.card(
        [("the digit here", image)], [f"z = ({code[0]:.2f}, {code[1]:.2f})"]
    )
