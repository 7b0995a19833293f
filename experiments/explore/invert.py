"""The second panel: draw a digit, and see the minima that its searches end in."""

import time
from collections.abc import Callable, Iterator
from typing import Any

import gradio as gr
import numpy as np
from jaxtyping import UInt8

from experiments.explore import codes, strokes, views
from experiments.explore.codes import Found
from experiments.explore.workbench import Workbench
from jaxgan.minima import DistinctMinimum

FIRST = 4
"""Number of the digit that is shown inverted before anything is touched."""
TAKE_BRUSH = """() => {
  const take = () => {
    const brush = document.querySelector('#pad button[aria-label="Brush"]');
    if (brush) brush.click(); else setTimeout(take, 100);
  };
  take();
}"""
"""What the browser does when the panel opens: the sketchpad begins without a tool."""


def build(bench: Workbench, found: Found) -> gr.State:
    """Add the panel to the page.

    Args:
        bench: what it works with.
        found: the codes of the digit `FIRST`.

    Returns:
        The state that holds the digit that is looked for.
    """
    views.introduce(
        "Invert",
        "Draw a digit, load a picture or choose a test digit: sixteen searches for its "
        "code begin at different places, and each box is a local minimum, proved to be "
        "one, in which some of them end.",
    )
    digit = gr.State(bench.digits[FIRST, ..., 0])
    with gr.Row():
        with gr.Column(min_width=300):
            pad = gr.Sketchpad(
                label="Draw a digit",
                canvas_size=(280, 280),
                height=380,
                brush=gr.Brush(default_size=16, colors=["#000000"], color_mode="fixed"),
                layers=False,
                transforms=(),
                buttons=[],
                elem_id="pad",
            )
            with gr.Row():
                from_pad = gr.Button("Find the codes of the drawing", variant="primary")
                stop = gr.Button("Stop", variant="stop", elem_id="stop")
            file = gr.File(label="or load a picture", height=120, elem_id="file")
        with gr.Column(min_width=300):
            gr.Markdown("or choose a test digit:")
            gallery = views.digits(views.thumbnails(bench.digits[..., 0], 2), "digits")
            status = gr.Markdown(in_words(found), elem_id="invert-status")
    result = gr.HTML(boxes(bench.digits[FIRST, ..., 0], found), elem_id="minima")

    def drawn(pad: dict | None) -> Iterator:
        yield from search(bench, lambda: strokes.from_drawing(pad))

    def loaded(path: str | None) -> Iterator:
        if path is not None:
            yield from search(bench, lambda: strokes.from_file(path))

    def chosen(event: gr.SelectData) -> Iterator:
        yield from search(bench, lambda: bench.digits[event.index, ..., 0])

    outputs = [digit, status, result]
    shown: dict[str, Any] = {**views.QUIET, "trigger_mode": "always_last"}
    running: list[dict[str, Any]] = [
        from_pad.click(drawn, pad, outputs, **shown),
        file.upload(loaded, file, outputs, **shown),
        gallery.select(chosen, None, outputs, **shown),
    ]
    # The words come after the search has ended, or its last ones would replace them.
    stop.click(lambda: None, cancels=running, show_progress="hidden").then(
        lambda: "Stopped. What is shown below is what was found until then.",
        None,
        status,
        show_progress="hidden",
    )
    return digit


def search(bench: Workbench, digit_of: Callable[[], np.ndarray]) -> Iterator[tuple]:
    """Yield digit, words and boxes after every step of a search.

    Raises:
        gradio.Error: with one sentence, if there is no digit.
    """
    try:
        digit = digit_of()
    except ValueError as error:
        raise views.complaint(str(error)) from error
    started = time.perf_counter()
    for found in codes.find(bench, digit):
        seconds = time.perf_counter() - started
        yield digit, in_words(found, seconds), boxes(digit, found)


def in_words(found: Found, seconds: float | None = None) -> str:
    """Return what is known so far, in a sentence or two."""
    after = "" if seconds is None else f" ({seconds:.1f} s)"
    if found.settled < codes.STARTS:
        return (
            f"**First answer{after}: mean squared error {found.error:.4f}.** "
            f"{found.settled} of {codes.STARTS} end points are proved to be minima, or "
            "not; Stop ends this."
        )
    count = len(found.minima)
    many = "one minimum" if count == 1 else f"{count} different minima"
    left = ""
    if found.unproved:
        left = f" {found.unproved} of the end points could not be proved to be minima."
    return f"**{codes.STARTS} starts end in {many}{after}.**{left}"


def boxes(digit: UInt8[np.ndarray, "28 28"], found: Found) -> str:
    """Return a box for every minimum, the best first, and one for the plain search."""
    wanted = ("the digit", digit)
    if not found.minima:
        lines = [f"mean squared error {found.error:.4f}", "not proved yet"]
        return views.cards([views.card([wanted, ("best so far", found.best)], lines)])
    every = [
        views.card(
            [
                wanted,
                (f"minimum {number + 1}", image),
                ("unlike the best" if number else "unlike the digit", other),
            ],
            [*_lines(minimum, number), _apart(other, number)],
        )
        for number, (minimum, image, other) in enumerate(
            zip(found.minima, found.images, _differences(digit, found), strict=True)
        )
    ]
    if found.adam is not None:
        image, error = found.adam
        every.append(
            views.card(
                [wanted, ("plain Adam", image)],
                [
                    f"mean squared error {error:.4f}",
                    "the best of 4 starts with 1,000 gradients each, without a proof",
                ],
            )
        )
    return views.cards(every)


def _differences(
    digit: UInt8[np.ndarray, "28 28"], found: Found
) -> list[UInt8[np.ndarray, "28 28"]]:
    """Return how the best image differs from the digit, and the others from it."""
    compared = [digit, *[found.images[0]] * (len(found.images) - 1)]
    return [
        np.abs(image.astype(int) - other).astype(np.uint8)
        for image, other in zip(found.images, compared, strict=True)
    ]


def _apart(difference: UInt8[np.ndarray, "28 28"], number: int) -> str:
    """Return by how much the pixels of an image differ at most."""
    other = "the best minimum" if number else "the digit"
    return f"its pixels differ by at most {difference.max() / 255:.2g} from {other}"


def _lines(minimum: DistinctMinimum, number: int) -> list[str]:
    count = len(minimum.starts)
    if minimum.status == "strict":
        proof = "proved: a smooth local minimum"
    else:
        facets = "1 facet" if minimum.num_held == 1 else f"{minimum.num_held} facets"
        proof = (
            f"proved: a local minimum at a kink, on {facets}, with margin "
            f"{minimum.margin:.2g}"
        )
    least = minimum.least_curvature
    curved = f"least curvature {least:.2g}" if np.isfinite(least) else "a corner"
    return [
        f"mean squared error {minimum.error:.4f}" + (" (the least)" * (number == 0)),
        f"{count} of {codes.STARTS} starts end here",
        proof,
        f"{curved}, ‖z‖ = {np.linalg.norm(minimum.latent):.2f}",
    ]
