"""The third panel: from one digit to another along three paths."""

import io
from pathlib import Path

import gradio as gr
import numpy as np
from jaxtyping import UInt8
from matplotlib.figure import Figure
from PIL import Image

from experiments.explore import exports, views
from experiments.explore.ways import STOPS, TITLES, Walk, walk
from experiments.explore.workbench import Workbench
from experiments.reporting.pictures import drawing

FIRST = (2, 7)
"""Numbers of the two digits of the walk that is shown at the beginning."""
COLOURS = {"line": "tab:gray", "slerp": "tab:green", "least": "tab:red"}


def build(bench: Workbench, first: Walk, drawn: gr.State) -> None:
    """Add the panel to the page.

    Args:
        bench: what it works with.
        first: the walk between the digits `FIRST`.
        drawn: holds the digit of the panel `invert`.
    """
    views.introduce(
        "Walk",
        "Three paths lead from the code of one digit to that of another; the one of "
        "least energy goes where λ is low, among images that are near the average of "
        "both digits.",
    )
    state = gr.State(first)
    ends = [gr.State(digit) for digit in first.digits]
    with gr.Row():
        galleries = []
        for name in ("Start", "End"):
            with gr.Column(min_width=300):
                gr.Markdown(f"{name} at:")
                pictures = views.thumbnails(bench.digits[..., 0], 2)
                galleries.append(views.digits(pictures, f"{name.lower()}-digits"))
    with gr.Row():
        chosen = [
            gr.HTML(_shown(end, name), elem_id=f"{name.lower()}-shown")
            for name, end in zip(("Start", "End"), first.digits, strict=True)
        ]
        use = [gr.Button(f"{name} at the digit of Invert") for name in ("Start", "End")]
        go = gr.Button("Walk", variant="primary")
    place = gr.Slider(0, STOPS, STOPS // 2, step=1, label="how far", elem_id="place")
    strips = gr.HTML(view(first, STOPS // 2), elem_id="strips")
    curves = views.picture(plot(first), "λ along the paths:", "heights")
    with gr.Row():
        files = [
            gr.DownloadButton(f"Export {Path(file).name}", file, elem_id=name)
            for name, file in zip(
                ("film", "arrays", "program"),
                exports.write(first, bench.options),
                strict=True,
            )
        ]
    gr.Markdown(
        "The program repeats the walk. Save `walk.npz` and `walk.py` into one folder, "
        "and run it where you started the app:"
    )
    gr.Code(
        exports.program(bench.options),
        language="python",
        label="walk.py",
        interactive=False,
    )

    for gallery, end, box, name, button in zip(
        galleries, ends, chosen, ("Start", "End"), use, strict=True
    ):
        gallery.select(_choosing(bench, name), None, [end, box], **views.QUIET)
        button.click(
            lambda digit, name=name: (digit, _shown(digit, name)),
            drawn,
            [end, box],
            **views.QUIET,
        )

    def go_there(start: np.ndarray, end: np.ndarray):
        try:
            found = walk(bench, bench.generator, np.stack([start, end]))
        except ValueError as error:
            raise views.complaint(str(error)) from error
        shown = found, STOPS // 2, view(found, STOPS // 2), plot(found)
        return *shown, *exports.write(found, bench.options)

    go.click(go_there, ends, [state, place, strips, curves, *files])
    place.change(
        view, [state, place], strips, trigger_mode="always_last", **views.QUIET
    )


def _choosing(bench: Workbench, name: str):
    """Return what is done when a digit is chosen for one of the ends."""

    def choose(event: gr.SelectData) -> tuple[np.ndarray, str]:
        digit = bench.digits[event.index, ..., 0]
        return digit, _shown(digit, name)

    return choose


def _shown(digit: UInt8[np.ndarray, "28 28"], name: str) -> str:
    return views.card([(name, digit)], [])


def view(walk: Walk, place: float) -> str:
    """Return the three strips, what is at one place, and the numbers of the paths."""
    number = int(place)
    rows, here = [], []
    for name, way in walk.ways.items():
        rows.append(
            [
                TITLES[name],
                f"{way.rho:.4f}",
                f"{way.factors.height**2:.4f}",
                f"{way.factors.detour**2:.4f}",
                f"{way.factors.unevenness:.4f}",
                f"{way.confidence.min():.2f}",
            ]
        )
        here.append(
            views.card(
                [(TITLES[name], way.frames[number])],
                [
                    f"λ = {way.heights[number]:.1f}",
                    f"the judge is {way.confidence[number]:.0%} sure",
                ],
            )
        )
    strips = "".join(
        f'<p>{TITLES[name]}</p><img class="strip" alt="images along the path" '
        f'src="{views.uri(_marked(way, number))}">'
        for name, way in walk.ways.items()
    )
    header = ("path", "ρ", "height²", "detour²", "unevenness", "judge, least sure")
    end = (
        "No direction was found in which the energy of the third path falls."
        if walk.is_minimum
        else "There is a direction in which the energy of the third path falls: it is "
        "a saddle."
    )
    return f"{strips}{views.cards(here)}{views.table(header, rows)}<p>{end}</p>"


def _marked(way, number: int) -> UInt8[np.ndarray, "height width"]:
    """Return the images of a path side by side, one of them underlined."""
    images = np.pad(way.frames, ((0, 0), (0, 3), (0, 0)))
    images[number, -2:] = 255
    return views.strip(images)


def plot(walk: Walk) -> np.ndarray:
    """Return a picture of λ along the three paths."""
    file = io.BytesIO()
    with drawing(Path("λ")):
        figure = Figure(figsize=(7, 2.4), layout="constrained")
        axes = figure.subplots()
        steps = np.linspace(0, 1, STOPS + 1)
        for name, way in walk.ways.items():
            axes.plot(steps, way.heights, label=TITLES[name], color=COLOURS[name])
        axes.set(xlabel="share of the length under the metric", ylabel="λ")
        axes.grid(alpha=0.3)
        axes.legend(frameon=False)
        figure.savefig(file, dpi=110, format="png")
    return np.asarray(Image.open(file).convert("RGB"))
