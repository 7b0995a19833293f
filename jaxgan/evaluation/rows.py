"""What every metric demands of its arrays: rows of finite numbers, and enough."""

import numpy as np
from jaxtyping import Num, Shaped

Features = Num[np.ndarray, "n features"]
Others = Num[np.ndarray, "m features"]


def numbers(
    name: str, array: Shaped[np.ndarray, "..."], *, least: int = 1
) -> Num[np.ndarray, "n d"]:
    """Return an array with one example in each row, after checking it.

    Args:
        name: of the array, for the error.
        array: whose rows are wanted.
        least: number of rows that are needed.

    Raises:
        ValueError: if it is no matrix of real numbers, has fewer rows, or a row is not
            finite.
    """
    rows = np.asarray(array)
    real = np.issubdtype(rows.dtype, np.floating) or np.issubdtype(
        rows.dtype, np.integer
    )
    if rows.ndim != 2 or not real:
        raise ValueError(
            f"{name} must be numbers, one example in each row, got {rows.dtype} "
            f"{list(rows.shape)}"
        )
    if len(rows) < least:
        raise ValueError(f"{name} must have at least {least} rows, got {len(rows)}")
    whole = np.isfinite(rows).all(1)
    if not whole.all():
        bad = np.flatnonzero(~whole)
        others = f", and {len(bad) - 1} others" if len(bad) > 1 else ""
        raise ValueError(f"{name}: row {bad[0]}{others} is not finite")
    return rows


def pair(
    name: str,
    array: Shaped[np.ndarray, "..."],
    other_name: str,
    other: Shaped[np.ndarray, "..."],
    *,
    least: int = 1,
) -> tuple[Num[np.ndarray, "n d"], Num[np.ndarray, "m d"]]:
    """Return two arrays that are compared row by row, after checking them.

    Raises:
        ValueError: as `numbers` does, or if the rows differ in length.
    """
    rows = numbers(name, array, least=least)
    others = numbers(other_name, other, least=least)
    if rows.shape[1] != others.shape[1]:
        raise ValueError(
            f"{name} and {other_name} must have rows of one length, got "
            f"{rows.shape[1]} and {others.shape[1]}"
        )
    return rows, others
