"""Nearest neighbours by exhaustive search: exact, in chunks of bounded memory.

A matrix product computes all squared distances at once, with an error that has a known
bound. Where that error could change the result, the squared distance is computed again
from the difference of the two points, in double precision. So a copy is at distance
zero, and the two sides of every comparison are computed alike.
"""

from collections.abc import Iterator

import numpy as np
from jaxtyping import Float, Int, Num

from jaxgan.evaluation.rows import numbers, pair

CHUNK = 256
"""Queries at a time: with 60,000 references they hold about 300 MB."""

Points = Num[np.ndarray, "n d"]
Others = Num[np.ndarray, "m d"]


def _rounded(
    queries: Points, references: Others, chunk: int
) -> Iterator[tuple[int, Float[np.ndarray, "c m"], Float[np.ndarray, "c 1"]]]:
    """Yield squared distances of each chunk of queries, and a bound of their error.

    Each comes with the number of its first query.
    """
    dtype = np.result_type(queries, references, np.float32)
    mean = references.mean(0, keepdims=True, dtype=np.float64).astype(dtype)
    references = references.astype(dtype) - mean  # less cancellation
    # Sums of d products and the differences from the mean, each rounded: the error is
    # at most (d + 5) ε (‖a‖² + ‖b‖²). Half of the bound is to spare.
    share = 2 * (references.shape[1] + 8) * np.finfo(dtype).eps
    # What overflows is within no bound, and so computed again.
    with np.errstate(over="ignore"):
        lengths = (references * references).sum(1)

    @np.errstate(over="ignore", invalid="ignore")
    def block(some: Points) -> tuple[np.ndarray, np.ndarray]:
        own = (some * some).sum(1, keepdims=True).astype(np.float64)
        squares = (some @ references.T).astype(np.float64)
        squares *= -2
        squares += own
        squares += lengths[None]
        return squares, share * (own + lengths.max())

    for first in range(0, len(queries), chunk):
        yield first, *block(queries[first : first + chunk].astype(dtype) - mean)


def _exact(point: Num[np.ndarray, "d"], others: Others) -> Float[np.ndarray, "m"]:
    """Return squared distances from the differences; the same in both directions."""
    gaps = others.astype(np.float64) - point[None].astype(np.float64)
    return (gaps * gaps).sum(1)


def kth_square(points: Points, k: int, *, chunk: int = CHUNK) -> Float[np.ndarray, "n"]:
    """Return the squared distance of each point to the k-th nearest of the others.

    Raises:
        ValueError: if a point is not finite, or there are no k others.
    """
    points = numbers("points", points)
    if not 1 <= k < len(points):
        raise ValueError(f"k must be from 1 to {len(points) - 1}, got {k}")
    found = np.empty(len(points))
    for first, squares, error in _rounded(points, points, chunk):
        rows = np.arange(len(squares))
        squares[rows, first + rows] = np.inf
        kth = np.partition(squares, k - 1, 1)[:, k - 1 : k]
        # "Not greater" holds for NaN too, where a square has overflowed.
        near = ~(squares > kth + 2 * error)
        near[rows, first + rows] = False
        for row, some in zip(first + rows, near, strict=True):
            exact = _exact(points[row], points[some])
            found[row] = np.partition(exact, k - 1)[k - 1]
    return found


def balls_containing(
    queries: Points,
    centres: Others,
    squared_radii: Float[np.ndarray, "m"],
    *,
    chunk: int = CHUNK,
) -> Int[np.ndarray, "n"]:
    """Return, for each query, how many of the closed balls around the centres it is in.

    Args:
        queries: one in each row.
        centres: one in each row.
        squared_radii: of the balls, as `kth_square` returns them.
        chunk: queries at a time.

    Raises:
        ValueError: if a point is not finite, or the rows differ in length.
    """
    queries, centres = pair("queries", queries, "centres", centres)
    counts = np.empty(len(queries), int)
    for first, squares, error in _rounded(queries, centres, chunk):
        beyond = squares - squared_radii[None]
        unclear = ~(np.abs(beyond) > error)
        inside = ((beyond < 0) & ~unclear).sum(1)
        for number in np.flatnonzero(unclear.any(1)):
            some = unclear[number]
            exact = _exact(queries[first + number], centres[some])
            inside[number] += (exact <= squared_radii[some]).sum()
        counts[first : first + len(squares)] = inside
    return counts


def nearest(
    queries: Points, references: Others, *, chunk: int = CHUNK
) -> tuple[Float[np.ndarray, "n"], Int[np.ndarray, "n"]]:
    """Return the distance of each query to the nearest reference, and its index.

    Of references at the same distance the first one is chosen.

    Raises:
        ValueError: if a point is not finite, the rows differ in length, or there are
            no references.
    """
    squares, indices = nearest_square(queries, references, chunk=chunk)
    return np.sqrt(squares), indices


def nearest_square(
    queries: Points, references: Others, *, chunk: int = CHUNK
) -> tuple[Float[np.ndarray, "n"], Int[np.ndarray, "n"]]:
    """Return what `nearest` does, with the distance squared."""
    queries, references = pair("queries", queries, "references", references)
    found, indices = np.empty(len(queries)), np.empty(len(queries), int)
    for first, squares, error in _rounded(queries, references, chunk):
        near = ~(squares > squares.min(1, keepdims=True) + 2 * error)
        for row, some in enumerate(near, first):
            (candidates,) = np.nonzero(some)
            exact = _exact(queries[row], references[candidates])
            best = exact.argmin()
            found[row], indices[row] = exact[best], candidates[best]
    return found, indices
