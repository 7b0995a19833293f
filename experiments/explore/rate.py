"""The fifth panel: what a code must tell of its image, and what is lost otherwise."""

from typing import NamedTuple

import gradio as gr
import numpy as np
from jaxtyping import UInt8
from PIL import Image

from experiments.explore import rate_plane, views
from experiments.reporting import numbers
from experiments.reporting.codes import TITLES

RESULTS = views.GUIDE.parent / "results.md"
PICTURES = views.GUIDE.parent / "figures" / "rate-reconstructions-mnist.png"
COLUMNS = ("β", "R", "D")
TOTAL = "−ELBO = D + R"
"""A column that only whole sweeps have in `docs/results.md`."""
KINDS = {title: kind for kind, title in TITLES.items()}
FIRST = 1.0
"""The β that is shown before anything is touched: that of the ELBO."""


class Point(NamedTuple):
    """Rate and distortion of a kind of code at a β, in nats, means over seeds."""

    kind: str
    beta: float
    rate: float
    distortion: float


class Rebuilt(NamedTuple):
    """Images, and what is rebuilt of them.

    Attributes:
        images: the images side by side.
        of_kind: by kind of code, their reconstructions at each β, ascending.
    """

    images: UInt8[np.ndarray, "height width"]
    of_kind: dict[str, list[UInt8[np.ndarray, "height width"]]]


def points() -> list[Point]:
    """Return the rates and distortions of MNIST, from the table in `docs/results.md`.

    Raises:
        ValueError: if there is no such table.
    """
    found = []
    for table in numbers.tables(RESULTS.read_text(encoding="utf-8")):
        if {*COLUMNS, TOTAL} <= set(table.header):
            places = [table.header.index(name) for name in COLUMNS]
            found.append(
                [
                    Point(KINDS[row[0]], *(float(row[n].split()[0]) for n in places))
                    for row in table.rows
                    if row[0] in KINDS
                ]
            )
    if not found or not found[-1]:
        raise ValueError(f"{RESULTS} has no table with {COLUMNS} and {TOTAL}")
    return found[-1]  # the last one is that of MNIST


def reconstructions(betas: int) -> Rebuilt:
    """Return images and their reconstructions, from the figure in `docs/`.

    Args:
        betas: how many β there are.

    Raises:
        ValueError: if the figure does not show two dark panels side by side.
    """
    with Image.open(PICTURES) as image:
        gray = np.asarray(image.convert("L"))
    dark = gray < 128
    rows = np.flatnonzero(dark.mean(1) > 0.5)
    columns = np.flatnonzero(dark[rows[0] : rows[-1]].mean(0) > 0.5)
    gap = np.flatnonzero(np.diff(columns) > 20)
    if len(gap) != 1:
        raise ValueError(f"{PICTURES} does not show two panels")
    lefts = columns[0], columns[gap[0] + 1]
    width = min(columns[gap[0]] - lefts[0], columns[-1] - lefts[1]) + 1
    edges = np.linspace(rows[0], rows[-1] + 1, betas + 2).round().astype(int)
    height = np.diff(edges).min()
    strips = [
        [gray[top : top + height, left : left + width] for top in edges[:-1]]
        for left in lefts
    ]
    parts = zip(TITLES, strips, strict=True)
    return Rebuilt(strips[0][0], {kind: strip[1:] for kind, strip in parts})


def choices(every: list[Point], rebuilt: Rebuilt) -> list[rate_plane.Choice]:
    """Return what there is to see at each β, ascending."""
    betas = sorted({point.beta for point in every})
    return [
        rate_plane.Choice(
            f"β = {beta:g}",
            [
                rate_plane.Model(
                    point.kind,
                    point.rate,
                    point.distortion,
                    rebuilt.of_kind[point.kind][number],
                )
                for point in every
                if point.beta == beta
            ],
        )
        for number, beta in enumerate(betas)
    ]


def build() -> None:
    """Add the panel to the page."""
    views.introduce(
        "Rate",
        "The more nats a code tells of its image (rate), the less of the image is lost "
        "(distortion); β sets the price of a nat. Point at a β, or tap it, or go from "
        "one to the next with the Tab key.",
    )
    every = points()
    betas = sorted({point.beta for point in every})
    rebuilt = reconstructions(len(betas))
    shown = rate_plane.html(choices(every, rebuilt), rebuilt.images, betas.index(FIRST))
    gr.HTML(shown, elem_id="rate-plane", js_on_load=None)
