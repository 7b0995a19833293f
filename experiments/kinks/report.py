"""The numbers, the table, the figure and the words of a count of minima by width."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator

from experiments.kinks.search import AT_ONCE, KINKS, SHARPENING, WAYS, Ends
from experiments.reporting.pictures import drawing, number_logarithms
from experiments.reporting.tables import markdown
from jaxgan.statistics import Interval, bootstrap_interval
from jaxgan.types import PRNGKey


class Row(NamedTuple):
    """What was found at one width in one way: medians over images, but for `certified`.

    Attributes:
        way: one of `WAYS`.
        width: of the corners, or `KINKS`.
        seen: different minima, with a 95 % interval over images.
        seen_images: different images among them.
        certified: share of all starts that ended in a certified minimum.
        held: facets that a minimum lies on.
        error: of the best minimum, a mean square per pixel.
        barrier: between the best two minima, relative, with its interval; NaN where
            fewer than half of the images have two.
    """

    way: str
    width: float
    seen: Interval
    seen_images: float
    certified: float
    held: float
    error: float
    barrier: Interval


def rows(key: PRNGKey, found: Mapping[tuple[str, float], Ends]) -> list[Row]:
    """Return a row for each way and width, in the order of the searches."""

    def one(way: str, width: float, ends: Ends, key: PRNGKey) -> Row:
        barriers = ends.barrier[np.isfinite(ends.barrier)]
        unknown = Interval(np.nan, np.nan, np.nan)
        enough = 2 * len(barriers) >= len(ends.barrier)
        return Row(
            way,
            width,
            bootstrap_interval(key, ends.seen, _median),
            _median(ends.seen_images),
            float(np.mean(ends.certified)),
            _median(ends.held),
            _median(ends.error),
            bootstrap_interval(key, barriers, _median) if enough else unknown,
        )

    keys = jax.random.split(key, len(found))
    return [
        one(*where, ends, key)
        for (where, ends), key in zip(found.items(), keys, strict=True)
    ]


def _median(values: np.ndarray) -> float:
    finite = values[np.isfinite(values)]
    return float(np.median(finite)) if len(finite) else float("nan")


def _width(width: float) -> str:
    return f"{width:g}" if width else "kinks"


def table(several: Sequence[Row]) -> str:
    """Return the rows in Markdown, those of the same width one below the other."""
    titles = ["corners", "seen by the search", "different minima", "95 % interval"]
    titles += ["different images", "best mean squared error", "barrier"]
    titles += ["facets held", "certified minima"]
    cells = [
        [
            _width(row.width),
            row.way,
            f"{row.seen.value:g}",
            f"{row.seen.low:.3g} to {row.seen.high:.3g}",
            f"{row.seen_images:g}",
            _number(row.error, ".2e"),
            _number(row.barrier.value, ".2g"),
            _number(row.held, "g"),
            f"{row.certified:.1%}",
        ]
        for row in several
    ]
    return markdown(titles, cells)


def _number(value: float, digits: str) -> str:
    return f"{value:{digits}}" if np.isfinite(value) else "–"


def summary(several: Sequence[Row]) -> dict[str, Any]:
    """Return every number by name, for `summary.json`; None where it is not known."""
    numbers: dict[str, Any] = {}
    for row in several:
        prefix = f"{row.way}_{_width(row.width)}".replace(" ", "_").replace(".", "_")
        values = {
            "minima": row.seen.value,
            "minima_low": row.seen.low,
            "minima_high": row.seen.high,
            "images": row.seen_images,
            "error": row.error,
            "barrier": row.barrier.value,
            "facets": row.held,
            "certified": row.certified,
        }
        numbers |= {
            f"{prefix}_{name}": value if np.isfinite(value) else None
            for name, value in values.items()
        }
    return numbers


def in_words(several: Sequence[Row]) -> str:
    """Return in a few sentences how the count of minima depends on the corners."""
    lines = []
    for way, began in (
        (AT_ONCE, "Where starts see the corners at once"),
        (SHARPENING, "Where corners sharpen during the search"),
    ):
        own = [row for row in several if row.way == way]
        kinks = own[-1]
        least = min(own[:-1], key=lambda row: row.seen.value)
        lines.append(
            f"{began}, they end in {kinks.seen.value:g} different minima of the "
            f"generator with its kinks (median), and in {least.seen.value:g} of the "
            f"one with corners of {least.width:g}, whose best error is "
            f"{_number(least.error, '.2e')} in place of {_number(kinks.error, '.2e')}."
        )
    return " ".join(lines)


def write(out: Path, several: Sequence[Row]) -> None:
    """Write `table.md` and the figure."""
    (out / "table.md").write_text(table(several), encoding="utf-8")
    with drawing(out / "kinks.png") as path:
        draw(several).savefig(path, dpi=150)


STYLES = {AT_ONCE: ("tab:red", "o"), SHARPENING: ("tab:blue", "s")}
APART = {AT_ONCE: 1.05, SHARPENING: 1 / 1.05}


def draw(several: Sequence[Row]) -> Figure:
    """Draw minima, best error and barrier against the width of the corners."""
    figure = Figure(figsize=(11, 3.6), layout="constrained")
    panels = figure.subplots(1, 3)
    widths = sorted({row.width for row in several} - {KINKS}, reverse=True)
    # The kinks are one step to the right of the sharpest corners.
    step = (widths[0] / widths[-1]) ** (1 / (len(widths) - 1)) if widths[1:] else 3.0
    kinks = widths[-1] / step
    for way in WAYS:
        own = [row for row in several if row.way == way]
        # A little apart, so that no bar hides another.
        places = np.array([row.width or kinks for row in own]) * APART[way]
        colour, marker = STYLES[way]
        style = {
            "color": colour,
            "marker": marker,
            "markersize": 4,
            "linewidth": 1,
            "label": f"corners seen {way}" if way == AT_ONCE else "corners sharpening",
        }
        for axes, name in ((panels[0], "seen"), (panels[2], "barrier")):
            each = [getattr(row, name) for row in own]
            values = np.array([interval.value for interval in each])
            bars = [
                np.array([i.value - i.low for i in each]),
                np.array([i.high - i.value for i in each]),
            ]
            axes.errorbar(places, values, yerr=bars, capsize=2, **style)
        panels[1].plot(places, [row.error for row in own], **style)
    panels[0].set(ylabel="different minima", ylim=(0, None))
    panels[1].set(ylabel="best mean squared error", yscale="log")
    number_logarithms(panels[1].yaxis)
    panels[2].set(ylabel="barrier between the best two, relative")
    panels[2].set_yscale("log", nonpositive="clip")
    for axes in panels:
        axes.set_xscale("log")
        names = [*map(_width, widths), "kinks"]
        axes.set_xticks([*widths, kinks], names, fontsize=8)
        axes.xaxis.set_minor_locator(NullLocator())
        axes.invert_xaxis()
        axes.set_xlabel("width of the corners")
        axes.grid(alpha=0.3)
    panels[0].legend(frameon=False, fontsize=8)
    return figure
