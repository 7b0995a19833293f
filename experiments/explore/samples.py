"""The first panel: samples, and what moves one of them most and least."""

from functools import partial
from typing import NamedTuple

import gradio as gr
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from experiments.explore import views
from experiments.explore.workbench import Workbench, images_of
from jaxgan import networks

SAMPLES = 24
MOST, LEAST = 4, 2
"""Directions that change the picture most, and least, each with a slider."""
REACH = 3.0
"""How far a slider moves the code, to each side."""

_directions = jax.jit(networks.singular_directions)


class Around(NamedTuple):
    """A code and the directions around it.

    Attributes:
        code: the code.
        values: how far the image moves for a unit step along each direction.
        directions: of length 1, as rows.
    """

    code: Float[np.ndarray, "latent"]
    values: Float[np.ndarray, "directions"]
    directions: Float[np.ndarray, "directions latent"]


def around(bench: Workbench, code: Float[np.ndarray, "latent"]) -> Around:
    """Return the singular directions at a code, computed in double precision."""
    with jax.enable_x64(True):
        found = _directions(bench.generator, jnp.asarray(code, jnp.float64))
        return Around(np.asarray(code, np.float32), *map(np.asarray, found))


def chosen(dimension: int) -> list[int]:
    """Return the numbers of the directions that have sliders."""
    least = range(max(MOST, dimension - LEAST), dimension)
    return [*range(min(MOST, dimension)), *least]


def moved(at: Around, shifts: tuple[float, ...]) -> Float[np.ndarray, "latent"]:
    """Return the code after a step along each direction that has a slider."""
    rows = at.directions[chosen(len(at.code))]
    return (at.code + np.asarray(shifts) @ rows).astype(np.float32)


def draw_codes(bench: Workbench, seed: int) -> Float[np.ndarray, "n latent"]:
    """Return codes from the prior."""
    keys = jax.random.split(jax.random.key(seed), SAMPLES)
    return np.stack([np.asarray(bench.generator.draw(key)) for key in keys])


def as_text(code: Float[np.ndarray, "latent"]) -> str:
    """Return a code as text that reads back as the same numbers."""
    return "[" + ", ".join(map(str, code)) + "]"


def show(bench: Workbench, at: Around, *shifts: float) -> tuple[np.ndarray, str, str]:
    """Return the picture of the moved code, its numbers, and the code as text."""
    code = moved(at, shifts)
    (picture,) = images_of(bench.generator, code[None])
    dimension = len(code)
    numbers = (
        f"**‖z‖ = {np.linalg.norm(code):.2f}** (samples of the prior have about "
        f"{np.sqrt(dimension):.1f}); **κ = {at.values[0] / at.values[-1]:.3g}**, "
        f"{at.values[0]:.3g} : {at.values[-1]:.3g}, at the code where the sliders are 0"
    )
    return views.enlarged(picture, 10), numbers, as_text(code)


def _title(number: int, dimension: int) -> str:
    ends = {0: ", changes most", dimension - 1: ", changes least"}
    return f"direction {number + 1} of {dimension}{ends.get(number, '')}"


def build(bench: Workbench) -> None:
    """Add the panel to the page."""
    views.introduce(
        "Samples",
        "Each picture is the image of a random code. The sliders move the chosen code "
        "along the directions in which the picture changes most, and least.",
    )
    codes = draw_codes(bench, 0)
    first = around(bench, codes[0])
    numbers = chosen(bench.generator.latent_dim)
    drawn, at, seed = gr.State(codes), gr.State(first), gr.State(0)
    gr.Markdown("Choose one:")
    gallery = views.digits(
        views.thumbnails(images_of(bench.generator, codes)), "samples"
    )
    with gr.Row():
        with gr.Column(min_width=280):
            start = show(bench, first, *[0.0] * len(numbers))
            picture = views.picture(start[0], "Its image:", "moved", width=280)
            text = gr.Markdown(start[1], elem_id="moved-numbers")
        with gr.Column(min_width=300):
            sliders = [
                gr.Slider(
                    -REACH,
                    REACH,
                    0.0,
                    step=0.05,
                    label=_title(number, bench.generator.latent_dim),
                    elem_id=f"slider-{number}",
                )
                for number in numbers
            ]
            with gr.Row():
                reset = gr.Button("Reset")
                onward = gr.Button("Go on from here")
                fresh = gr.Button("Other samples")
    code = gr.Textbox(
        start[2], label="Its code", buttons=["copy"], max_lines=3, elem_id="code"
    )
    outputs = [picture, text, code]
    zeros = [0.0] * len(sliders)
    render = partial(show, bench)

    def choose(event: gr.SelectData, codes: np.ndarray):
        return [around(bench, codes[event.index]), *zeros]

    def go_on(at: Around, *shifts: float):
        return [around(bench, moved(at, shifts)), *zeros]

    def draw_again(seed: int):
        codes = draw_codes(bench, seed + 1)
        pictures = views.thumbnails(images_of(bench.generator, codes))
        return [seed + 1, codes, pictures, around(bench, codes[0]), *zeros]

    gr.on(
        [slider.change for slider in sliders],
        render,
        [at, *sliders],
        outputs,
        trigger_mode="always_last",
        show_progress="hidden",
    )
    reset.click(lambda: zeros, None, sliders, **views.QUIET)
    for event in (
        gallery.select(choose, drawn, [at, *sliders], **views.QUIET),
        onward.click(go_on, [at, *sliders], [at, *sliders], **views.QUIET),
        fresh.click(
            draw_again, seed, [seed, drawn, gallery, at, *sliders], **views.QUIET
        ),
    ):
        event.then(render, [at, *sliders], outputs, **views.QUIET)
