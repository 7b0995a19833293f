"""The page: five panels, compiled and filled before it is served."""

from collections.abc import Callable
from typing import Any

import gradio as gr
from gradio.themes import Default
from tqdm import tqdm

from experiments.explore import codes, invert, plane, rate, samples, walk, ways
from experiments.explore.workbench import Workbench

CSS = """
.card img, .strip, .digits img, #moved img, #sheet img { image-rendering: pixelated; }
.digits .grid-container { gap: 0.3rem; overflow: visible; }
.digits .grid-container {
  grid-template-columns: repeat(auto-fill, minmax(3rem, 1fr)) !important;
  grid-template-rows: none !important;
  grid-auto-rows: auto !important;
}
.digits .grid-wrap { min-height: 0; overflow: visible; }
.digits .thumbnail-item { aspect-ratio: 1; height: auto; width: 100%; }
.cards { display: flex; flex-wrap: wrap; gap: 0.75rem; }
.card { border: 1px solid var(--border-color-primary); border-radius: 0.4rem; }
.card { padding: 0.6rem; }
.card p { margin: 0.15rem 0; font-size: 0.9rem; max-width: 20rem; }
.pair { display: flex; flex-wrap: wrap; gap: 0.5rem; }
.pair figure { margin: 0; }
.pair img { width: 84px; height: 84px; border-radius: 0.2rem; }
.pair figcaption { font-size: 0.75rem; color: var(--body-text-color-subdued); }
img.strip { width: 100%; display: block; }
table.numbers { border-collapse: collapse; margin: 0.75rem 0; }
table.numbers td, table.numbers th { text-align: left; }
table.numbers td, table.numbers th { padding: 0.2rem 0.9rem 0.2rem 0; }
.gradio-container { max-width: 72rem !important; }
"""
FONTS = ["system-ui", "sans-serif"]
MONO = ["ui-monospace", "monospace"]
AT_ONCE = 2
"""Handlers of one kind that run side by side, for several people."""


def build(bench: Workbench) -> gr.Blocks:
    """Return the page, with a finished result in every panel.

    Computing these results compiles all that the panels need.
    """
    steps: dict[str, Callable[[], Any]] = {
        "codes of a digit": lambda: list(
            codes.find(bench, bench.digits[invert.FIRST, ..., 0])
        )[-1],
        "a walk": lambda: ways.walk(
            bench, bench.generator, bench.digits[list(walk.FIRST), ..., 0]
        ),
        "a walk on the plane": lambda: ways.walk(
            bench, bench.plane, bench.digits[list(plane.FIRST), ..., 0]
        ),
    }
    results = []
    with tqdm(total=len(steps) + 1, unit="step", disable=None) as bar:
        for name, step in steps.items():
            bar.set_description(f"compiling: {name}")
            results.append(step())
            bar.update()
        bar.set_description("filling the page")
        found, between, on_plane = results
        with gr.Blocks(title="jaxgan: explore", analytics_enabled=False) as page:
            gr.Markdown(f"# jaxgan: explore `{bench.options.source}`")
            with gr.Tab("Samples"):
                samples.build(bench)
            with gr.Tab("Invert") as tab:
                drawn = invert.build(bench, found)
            tab.select(None, js=invert.TAKE_BRUSH)
            with gr.Tab("Walk"):
                walk.build(bench, between, drawn)
            with gr.Tab("Plane"):
                plane.build(bench, on_plane)
            with gr.Tab("Rate"):
                rate.build()
        bar.update()
    return page.queue(default_concurrency_limit=AT_ONCE)


def serve(page: gr.Blocks, port: int | None, *, share: bool) -> str:
    """Serve the page to this machine, without waiting for its end.

    Args:
        page: what `build` returns.
        port: None: the first free one from 7860.
        share: whether Gradio's servers pass the page on at a public address.

    Returns:
        The address.

    Raises:
        OSError: if the port is taken.
    """
    _, local, public = page.launch(
        server_name="127.0.0.1",
        server_port=port,
        share=share,
        prevent_thread_lock=True,
        quiet=True,
        footer_links=[],
        theme=Default(font=FONTS, font_mono=MONO),
        css=CSS,
        ssr_mode=False,
        show_error=True,
    )
    return public or local
