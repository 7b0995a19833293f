"""The fifth panel: what a code must tell of its image, and what is lost otherwise."""

import io
from pathlib import Path
from typing import NamedTuple

import gradio as gr
import numpy as np
from jaxtyping import UInt8
from matplotlib.figure import Figure
from PIL import Image

from experiments.explore import views
from experiments.reporting import numbers
from experiments.reporting.codes import COLOURS, TITLES
from experiments.reporting.pictures import drawing

RESULTS = views.GUIDE.parent / "results.md"
PICTURES = views.GUIDE.parent / "figures" / "rate-reconstructions-mnist.png"
COLUMNS = ("β", "R", "D")
KINDS = {title: kind for kind, title in TITLES.items()}


class Point(NamedTuple):
    """Rate and distortion of a kind of code at a β, in nats, means over seeds."""

    kind: str
    beta: float
    rate: float
    distortion: float


def points() -> list[Point]:
    """Return the rates and distortions of MNIST, from the table in `docs/results.md`.

    Raises:
        ValueError: if there is no such table.
    """
    found = []
    for table in numbers.tables(RESULTS.read_text(encoding="utf-8")):
        if set(COLUMNS) <= set(table.header):
            places = [table.header.index(name) for name in COLUMNS]
            found.append(
                [
                    Point(KINDS[row[0]], *(float(row[n].split()[0]) for n in places))
                    for row in table.rows
                    if row[0] in KINDS
                ]
            )
    if not found or not found[-1]:
        raise ValueError(f"{RESULTS} has no table with the columns {COLUMNS}")
    return found[-1]  # the last one is that of MNIST


def reconstructions(number: int, betas: int) -> UInt8[np.ndarray, "height width"]:
    """Return images and their reconstructions at a β, from the figure in `docs/`.

    Args:
        number: of the β, ascending.
        betas: how many there are.

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
    rights = columns[gap[0]], columns[-1]
    height = (rows[-1] + 1 - rows[0]) / (betas + 1)
    parts = [
        gray[round(rows[0] + n * height) : round(rows[0] + (n + 1) * height), a : b + 1]
        for a, b in zip(lefts, rights, strict=True)
        for n in (0, number + 1)
    ]
    width = min(part.shape[1] for part in parts)
    least = min(part.shape[0] for part in parts)
    original, first, _, second = (part[:least, :width] for part in parts)
    return np.concatenate([original, first, second])


def plot(every: list[Point], beta: float) -> np.ndarray:
    """Return the plane of rate and distortion, with the points of one β marked."""
    file = io.BytesIO()
    with drawing(Path("plane")):
        figure = Figure(figsize=(6, 4), layout="constrained")
        axes = figure.subplots()
        for kind, title in TITLES.items():
            own = [point for point in every if point.kind == kind]
            rates, distortions = np.array([point[2:] for point in own]).T
            axes.plot(rates, distortions, "o-", color=COLOURS[kind], label=title, ms=4)
            for point in own:
                if point.beta == beta:
                    axes.plot(
                        *point[2:], "o", ms=13, mfc="none", mew=2, color=COLOURS[kind]
                    )
        axes.set(xlabel="rate R (nats)", ylabel="distortion D (nats)")
        axes.grid(alpha=0.3)
        axes.legend(frameon=False, title=f"circles: β = {beta:g}")
        figure.savefig(file, dpi=110, format="png")
    return np.asarray(Image.open(file).convert("RGB"))


def show(every: list[Point], number: int) -> tuple[np.ndarray, str, np.ndarray]:
    """Return plane, numbers and reconstructions at a β, by its number."""
    betas = sorted({point.beta for point in every})
    beta = betas[number]
    rows = [
        [
            TITLES[p.kind],
            f"{p.rate:.2f}",
            f"{p.distortion:.2f}",
            f"{p.rate + p.distortion:.2f}",
        ]
        for p in every
        if p.beta == beta
    ]
    header = (f"β = {beta:g}", "R", "D", "−ELBO = D + R")
    return (
        plot(every, beta),
        views.table(header, rows),
        reconstructions(number, len(betas)),
    )


def build() -> None:
    """Add the panel to the page."""
    views.introduce(
        "Rate",
        "The more nats a code tells of its image (rate), the less of the image is lost "
        "(distortion); β sets the price of a nat.",
    )
    every = points()
    betas = sorted({point.beta for point in every})
    start = betas.index(1.0) if 1.0 in betas else 0
    first = show(every, start)
    choice = gr.Radio(
        [f"{beta:g}" for beta in betas],
        value=f"{betas[start]:g}",
        type="index",
        label="β",
        elem_id="beta",
    )
    with gr.Row():
        with gr.Column(min_width=300):
            plane = views.picture(first[0], "Distortion over rate:", "rate-plane")
        with gr.Column(min_width=300):
            table = gr.HTML(first[1], elem_id="rates")
            images = views.picture(
                first[2],
                "Images of MNIST; below them their reconstructions by a β-VAE, and by "
                "an Echo autoencoder:",
                "reconstructions",
            )
    choice.change(
        lambda number: show(every, number),
        choice,
        [plane, table, images],
        show_progress="hidden",
    )
