"""The numbers and tables of a run as text: values with intervals and floors."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

NOTHING = "—"
NOT_NUMBERS = ("experiment", "in_words", "intervals_over_images")


class Number(NamedTuple):
    """A number of a summary.

    Attributes:
        name: what it is, in words.
        value: as text.
        interval: its interval, or ± its standard error or deviation; else empty.
        floor: the value of real images in place of generated ones; else empty.
    """

    name: str
    value: str
    interval: str
    floor: str

    @property
    def cell(self) -> str:
        """Value and interval together."""
        return " ".join(filter(None, (self.value, self.interval)))


class Table(NamedTuple):
    """A table of a text file, with the line above it, which may be empty."""

    title: str
    header: Sequence[str]
    rows: Sequence[Sequence[str]]


def spaced(name: str) -> str:
    """Return the name of a number in words."""
    return name.replace("_", " ").replace("sha256", "SHA-256")


def text(value: Any) -> str:
    """Return a value of a JSON file as text, numbers with four digits."""
    if value is None:
        return NOTHING
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {text(each)}" for name, each in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(map(text, value))
    return str(value)


def of_summary(summary: Mapping[str, Any]) -> list[Number]:
    """Return the numbers of a summary, each with its interval and its floor.

    An interval is under `intervals_over_images`, or a number whose name ends in
    `_interval`; `_error` is a standard error, `_sd` a standard deviation over seeds,
    and `_floor` a floor.
    """
    over_images = summary.get("intervals_over_images") or {}
    used = set()

    def beside(name: str, ending: str) -> Any:
        other = name + ending
        if other in summary:
            used.add(other)
        return summary.get(other)

    found = []
    for name, value in summary.items():
        if name in NOT_NUMBERS or name.endswith("sha256"):
            continue
        stem = name.removesuffix("_mean") if name.endswith("_mean") else name
        interval = over_images.get(name) or beside(name, "_interval")
        error = beside(name, "_error")
        spread = beside(stem, "_sd") if stem != name else None
        floor, off = beside(name, "_floor"), beside(name, "_floor_error")
        said = ""
        if interval:
            said = f"[{text(interval[0])}, {text(interval[1])}]"
        elif error is not None or spread is not None:
            said = f"± {text(spread if error is None else error)}"
        low = "" if floor is None else text(floor)
        low += "" if off is None else f" ± {text(off)}"
        found.append((name, Number(spaced(name), text(value), said, low)))
    return [number for name, number in found if name not in used]


def tables(markdown: str) -> list[Table]:
    """Return the tables of a text in Markdown."""
    found = []
    for match in re.finditer(r"(?:^\|.*\|$\n?)+", markdown, re.MULTILINE):
        above = markdown[: match.start()].rstrip().splitlines()
        rows = [_cells(line) for line in match[0].splitlines()]
        title = above[-1].rstrip(":") if above and above[-1].endswith(":") else ""
        found.append(Table(title, rows[0], rows[2:]))
    return found


def prose(markdown: str) -> str:
    """Return a text in Markdown without its tables and their titles."""
    without = re.sub(r"(?:^[^|\n]*:\n\n)?(?:^\|.*\|$\n*)+", "", markdown, flags=re.M)
    return without.strip()


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
