"""How pictures, numbers and sentences are shown on the page."""

import base64
import io
import re
from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np
from jaxtyping import UInt8
from PIL import Image

GUIDE = Path(__file__).parents[2] / "docs" / "explore.md"
"""The page of the documentation with a section for each panel."""


QUIET: dict[str, Any] = {"show_progress": "hidden"}
"""Of handlers that answer at once."""


def enlarged(pixels: UInt8[np.ndarray, "height width"], times: int) -> np.ndarray:
    """Return a picture with each pixel as a square of so many times so many."""
    return pixels.repeat(times, axis=0).repeat(times, axis=1)


def thumbnails(pixels: Iterable[UInt8[np.ndarray, "28 28"]], times: int = 3) -> list:
    """Return digits as the pictures of a gallery."""
    return [enlarged(each, times) for each in pixels]


def digits(pictures: list[np.ndarray], name: str, **options: Any) -> gr.Gallery:
    """Add digits of which one can be chosen; `name` is the id of the gallery."""
    return gr.Gallery(
        pictures,
        show_label=False,
        height="auto",
        format="png",
        allow_preview=False,
        buttons=[],
        elem_id=name,
        elem_classes="digits",
        **options,
    )


def picture(pixels: np.ndarray, title: str, name: str, **options: Any) -> gr.Image:
    """Add a picture with its title above; `name` is its id."""
    gr.Markdown(title)
    return gr.Image(
        pixels,
        show_label=False,
        alt_text=title,
        format="png",
        buttons=[],
        elem_id=name,
        **options,
    )


def strip(frames: UInt8[np.ndarray, "n 28 28"]) -> UInt8[np.ndarray, "28 width"]:
    """Return digits side by side."""
    return np.concatenate(list(frames), 1)


def uri(pixels: UInt8[np.ndarray, "height width"]) -> str:
    """Return a picture as a data URI."""
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return f"data:image/png;base64,{base64.b64encode(file.getvalue()).decode()}"


def card(pictures: Sequence[tuple[str, np.ndarray]], lines: Sequence[str]) -> str:
    """Return pictures with their names, and lines of text below, as one box."""
    shown = "".join(
        f'<figure><img src="{uri(pixels)}" alt="{escape(name)}">'
        f"<figcaption>{escape(name)}</figcaption></figure>"
        for name, pixels in pictures
    )
    text = "".join(f"<p>{escape(line)}</p>" for line in lines)
    return f'<div class="card"><div class="pair">{shown}</div>{text}</div>'


def cards(boxes: Iterable[str]) -> str:
    """Return boxes beside one another, as many as there is room for."""
    return f'<div class="cards">{"".join(boxes)}</div>'


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table."""
    head = "".join(f"<th>{escape(cell)}</th>" for cell in header)
    body = "".join(
        "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>"
        for row in rows
    )
    return f'<table class="numbers"><tr>{head}</tr>{body}</table>'


def complaint(sentence: str) -> gr.Error:
    """Return the error that shows a sentence on the page, and changes nothing."""
    return gr.Error(sentence, print_exception=False, title="")


def introduce(panel: str, sentence: str) -> None:
    """Say in one sentence what a panel shows, and put its page of `docs/` below."""
    gr.Markdown(sentence)
    with gr.Accordion(f"What this means (docs/{GUIDE.name})", open=False):
        gr.Markdown(section(GUIDE.read_text(encoding="utf-8"), panel))


def section(text: str, heading: str) -> str:
    """Return one section of a page in Markdown; its links name files of `docs/`.

    Raises:
        ValueError: if there is no such section.
    """
    found = re.search(rf"^## {re.escape(heading)}\n(.*?)(?=^## |\Z)", text, re.M | re.S)
    if found is None:
        raise ValueError(f"{GUIDE} has no section {heading}")
    without_pictures = re.sub(r"!\[[^\]]*\]\([^)]*\)", "", found[1])
    return re.sub(r"\[([^\]]*)\]\(([^)]*)\)", r"\1 (`docs/\2`)", without_pictures)
