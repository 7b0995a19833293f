"""The plane of rate and distortion as HTML that answers the pointer and the keyboard.

It has no script: the selector `:has` of CSS finds what is pointed at, or has the focus.
A browser that does not know this selector shows everything, one below the other.
"""

from collections.abc import Sequence
from html import escape
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, UInt8
from matplotlib.colors import to_hex
from matplotlib.ticker import MaxNLocator

from experiments.explore import views
from experiments.reporting.codes import COLOURS, TITLES

WIDTH, HEIGHT = 400, 320
LEFT, RIGHT, TOP, BOTTOM = 46, 10, 10, 44
"""Of the drawing, and of the margins around its axes, in its own units."""
REACH = 28
"""How thick the invisible line is that joins the points of one β, and is pointed at."""
STYLE = """
.rates { display: flex; flex-wrap: wrap; gap: 1rem 2rem; }
.rates > * { flex: 1 1 18rem; min-width: 0; max-width: 36rem; }
.rates svg { width: 100%; height: auto; overflow: visible; }
.rates svg text { font-size: 13px; fill: currentColor; }
.rates .grid { stroke: currentColor; opacity: 0.2; }
.rates .curve { fill: none; stroke-width: 1.5; }
.rates .reach { fill: none; stroke: transparent; stroke-linecap: round; }
.rates .beta { cursor: pointer; outline: none; }
.rates .ring { fill: none; stroke-width: 2; }
.rates .beta:focus-visible .ring { stroke-width: 4; }
.rates figure { margin: 0 0 0.5rem; }
.rates figure img { width: 100%; display: block; }
.rates figcaption { font-size: 0.85rem; }
@supports selector(:has(*)) { .rates .at { display: none; } }
"""


class Model(NamedTuple):
    """A kind of code at a β.

    Attributes:
        kind: of the code, a key of `TITLES`.
        rate: in nats.
        distortion: in nats.
        rebuilt: its reconstructions, side by side.
    """

    kind: str
    rate: float
    distortion: float
    rebuilt: UInt8[np.ndarray, "height width"]


class Choice(NamedTuple):
    """What is shown together: all models at one β, and its name."""

    name: str
    models: Sequence[Model]


class Axes(NamedTuple):
    """Ticks of both axes; the drawing goes from the first to the last."""

    rates: Float[np.ndarray, "ticks"]
    distortions: Float[np.ndarray, "other_ticks"]

    def place(self, rate: float, distortion: float) -> tuple[float, float]:
        """Return where a point is in the drawing."""
        across = (rate - self.rates[0]) / np.ptp(self.rates)
        down = (self.distortions[-1] - distortion) / np.ptp(self.distortions)
        x = LEFT + across * (WIDTH - LEFT - RIGHT)
        return float(x), float(TOP + down * (HEIGHT - TOP - BOTTOM))


def html(
    choices: Sequence[Choice],
    images: UInt8[np.ndarray, "height width"],
    first: int,
) -> str:
    """Return the plane, with what is rebuilt of images at the β that is pointed at.

    Args:
        choices: the models at each β.
        images: the images that all models rebuild, side by side.
        first: number of the choice that is shown before anything is touched.
    """
    models = [model for choice in choices for model in choice.models]
    distortions = [model.distortion for model in models]
    axes = Axes(
        _ticks(0.0, max(model.rate for model in models)),
        _ticks(min(distortions), max(distortions)),
    )
    drawn = "".join(_beta(axes, n, choice) for n, choice in enumerate(choices))
    shown = "".join(_numbers(n, choice) for n, choice in enumerate(choices))
    return (
        f"<style>{STYLE}{_rules(len(choices), first)}</style>"
        f'<div class="rates"><svg viewBox="0 0 {WIDTH} {HEIGHT}" role="group" '
        f'aria-label="distortion over rate">{_grid(axes)}{_curves(axes, models)}'
        f"{drawn}</svg><div>{_figure('images of MNIST', images)}{shown}</div></div>"
    )


def _ticks(low: float, high: float) -> Float[np.ndarray, "ticks"]:
    return np.asarray(MaxNLocator(6).tick_values(low, high))


def _rules(count: int, first: int) -> str:
    """Return what shows the choice under the pointer, else the one with the focus."""
    untouched = ".rates:not(:has(.beta:hover, .beta:focus))"
    rules = [f"{untouched} .at-{first} {{ display: block; }}"]
    for n in range(count):
        pointed = f".rates:has(.beta-{n}:hover)"
        focused = f".rates:not(:has(.beta:hover)):has(.beta-{n}:focus)"
        rules.append(f"{pointed} .at-{n}, {focused} .at-{n} {{ display: block; }}")
    return "\n".join(rules)


def _grid(axes: Axes) -> str:
    """Return ticks, their lines and the names of the axes."""
    parts = []
    for rate in axes.rates:
        x, y = axes.place(rate, axes.distortions[0])
        parts.append(f'<path class="grid" d="M{x:.1f} {y:.1f}V{TOP}"/>')
        parts.append(
            f'<text x="{x:.1f}" y="{y + 17:.1f}" text-anchor="middle">{rate:g}</text>'
        )
    for distortion in axes.distortions:
        x, y = axes.place(axes.rates[0], distortion)
        parts.append(f'<path class="grid" d="M{x:.1f} {y:.1f}H{WIDTH - RIGHT}"/>')
        parts.append(
            f'<text x="{x - 5:.1f}" y="{y + 4:.1f}" text-anchor="end">'
            f"{distortion:g}</text>"
        )
    x, y = (LEFT + WIDTH - RIGHT) / 2, (TOP + HEIGHT - BOTTOM) / 2
    parts.append(
        f'<text x="{x}" y="{HEIGHT - 8}" text-anchor="middle">rate R (nats)</text>'
        f'<text x="12" y="{y}" text-anchor="middle" transform="rotate(-90 12 {y})">'
        "distortion D (nats)</text>"
    )
    return "".join(parts)


def _curves(axes: Axes, models: Sequence[Model]) -> str:
    """Return a curve through the models of each kind, and its name."""
    parts = []
    for row, (kind, title) in enumerate(TITLES.items()):
        places = [axes.place(m.rate, m.distortion) for m in models if m.kind == kind]
        colour, y = to_hex(COLOURS[kind]), TOP + 20 * (row + 1)
        parts.append(
            f'<path class="curve" d="{_line(places)}" stroke="{colour}"/>'
            f'<circle cx="{WIDTH - 90}" cy="{y - 4}" r="5" fill="{colour}"/>'
            f'<text x="{WIDTH - 78}" y="{y}">{escape(title)}</text>'
        )
    return "".join(parts)


def _line(places: Sequence[tuple[float, float]]) -> str:
    return "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in places)


def _beta(axes: Axes, number: int, choice: Choice) -> str:
    """Return the points of a choice, as one thing that can be pointed at."""
    places = [axes.place(model.rate, model.distortion) for model in choice.models]
    said = [
        f"{TITLES[m.kind]}: R {m.rate:.2f}, D {m.distortion:.2f}" for m in choice.models
    ]
    marks = "".join(
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="{colour}"/>'
        f'<circle class="ring at at-{number}" cx="{x:.1f}" cy="{y:.1f}" r="9" '
        f'stroke="{colour}"/>'
        for (x, y), colour in zip(
            places, (to_hex(COLOURS[m.kind]) for m in choice.models), strict=True
        )
    )
    name = escape("; ".join([choice.name, *said]))
    return (
        f'<g class="beta beta-{number}" tabindex="0" role="img" aria-label="{name}">'
        f'<path class="reach" stroke-width="{REACH}" d="{_line(places)}"/>{marks}</g>'
    )


def _numbers(number: int, choice: Choice) -> str:
    """Return the numbers of a choice, and what its models rebuild."""
    rows = [
        [
            TITLES[model.kind],
            f"{model.rate:.2f}",
            f"{model.distortion:.2f}",
            f"{model.rate + model.distortion:.2f}",
        ]
        for model in choice.models
    ]
    figures = "".join(
        _figure(f"rebuilt: {TITLES[m.kind]}", m.rebuilt) for m in choice.models
    )
    table = views.table((choice.name, "R", "D", "D + R"), rows)
    return f'<div class="at at-{number}">{figures}{table}</div>'


def _figure(title: str, pixels: UInt8[np.ndarray, "height width"]) -> str:
    return (
        f'<figure><figcaption>{escape(title)}</figcaption><img alt="{escape(title)}" '
        f'src="{views.uri(pixels)}"></figure>'
    )
