"""Tables of pixels as text: a row is an image, perhaps with its label."""

import csv
import io
import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

LABELS = ("label", "labels", "class", "target", "y", "digit")
"""Names that the column of labels may have."""
NUMBERS = ("", "id", "index", "unnamed: 0")
"""Names of a column that counts the rows."""


LEAST_SIDE = 4
"""Height and width of the smallest images that a table may have."""


class NoPixels(ValueError):
    """A table is of other things than images."""


class Table(NamedTuple):
    """The pixels of images, a row each, and their labels if the table has them."""

    pixels: np.ndarray
    labels: np.ndarray | None
    said: list[str]


def read_table(text: str) -> Table:
    """Return the pixels and labels in a table, with or without a line of names.

    Numbers are divided by commas, semicolons, tabs or blanks. Beside the pixels of a
    square image a row may hold a label, first or last, and a number that counts rows.

    Raises:
        NoPixels: if the count of numbers in a row fits no image.
        ValueError: if there are no numbers.
    """
    first, _, rest = text.partition("\n")
    comma = next((c for c in (",", ";", "\t") if c in first), None)
    names = _names(first, comma, rest)
    body = rest if names else text
    if not body.strip():
        raise ValueError("expected rows of pixels, found none")
    array = np.loadtxt(
        io.StringIO(body),
        dtype=np.float32,
        delimiter=comma,
        quotechar='"',
        comments=None,
        ndmin=2,
    )
    if names and names[0] in NUMBERS:
        array, names = array[:, 1:], names[1:]
    width = array.shape[1]
    if _is_square(width):
        return Table(array, None, [])
    if not _is_square(width - 1):
        raise NoPixels(
            f"expected the pixels of a square image in each row, perhaps with a label, "
            f"found {width} numbers"
        )
    place, said = _place_of_labels(array, names)
    labels = array[:, place]
    return Table(np.delete(array, place, 1), labels, said)


def _is_square(number: int) -> bool:
    side = math.isqrt(number)
    return side >= LEAST_SIDE and side * side == number


def _names(first: str, comma: str | None, rest: str) -> Sequence[str]:
    """Return the names in the first line, in lower case; none if it holds numbers."""
    if comma is None:
        cells = first.split()
    else:
        cells = next(csv.reader([first.strip("\r\n")], delimiter=comma), [])
    names = [cell.strip().lower() for cell in cells]
    try:
        numbers = [float(name) for name in names]
    except ValueError:
        return names
    # A table whose first row was taken for names has them as 0, 0.1, 0.2, 0.3...
    once = sum(name.startswith("0.") for name in names) > len(names) / 2
    second = rest.partition("\n")[0]
    if once and "." not in second and any(number % 1 for number in numbers):
        return names
    return ()


def _place_of_labels(array: np.ndarray, names: Sequence[str]) -> tuple[int, list[str]]:
    """Return which column has the labels: 0 or -1."""
    for place in (0, -1):
        if names and names[place] in LABELS:
            return place, []
    ends = array[:, (0, -1)]
    whole = (ends == np.floor(ends)).all(0) & (ends.min(0) >= 0)
    varied = whole & (ends != ends[:1]).any(0)
    if varied[1] and not varied[0]:
        return -1, ["the last number of each row was taken for its label"]
    return 0, ["the first number of each row was taken for its label"]
