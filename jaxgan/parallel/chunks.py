"""Batches of independent instances, chunk by chunk: iterated, or evaluated once.

Each chunk is divided among all devices; results come back to the host.
"""

from collections.abc import Callable
from operator import itemgetter
from typing import Any, TypeVar

import jax
import numpy as np

from jaxgan.parallel import devices

S = TypeVar("S")


def advance_in_chunks(
    advance: Callable[[S, Any], S],
    states: S,
    inputs: Any,
    active: np.ndarray,
    *,
    chunk: int,
) -> S:
    """Return the states, those of active instances after `advance`.

    Active instances are gathered, so that the others cost nothing.

    Args:
        advance: compiled; `advance(states, inputs) -> states` for a batch.
        states: a tree of arrays `[n, ...]`.
        inputs: a tree of arrays `[n, ...]`.
        active: whether each instance is advanced, `[n]`.
        chunk: most instances in one call; see `evaluate_in_chunks`.
    """
    (numbers,) = np.nonzero(active)
    states = jax.tree.map(np.array, states)
    if len(numbers):
        rows = jax.tree.map(lambda leaf: np.asarray(leaf)[numbers], (states, inputs))
        advanced = evaluate_in_chunks(advance, rows, chunk=chunk)

        def put(leaf: np.ndarray, new: np.ndarray) -> None:
            leaf[numbers] = new

        jax.tree.map(put, states, advanced)
    return states


def evaluate_in_chunks(function: Callable[..., Any], rows: Any, *, chunk: int) -> Any:
    """Return `function(*rows)`, computed for at most a chunk of rows at a time.

    Args:
        function: compiled; from arrays `[k, ...]` to arrays `[k, ...]`, row by row.
        rows: a tuple of trees of arrays `[n, ...]`, n at least 1.
        chunk: most rows in one call. A rest of fewer rows is filled up to a chunk over
            a power of eight, so that few shapes are compiled.

    Returns:
        NumPy arrays `[n, ...]`.
    """
    count, over, results = len(jax.tree.leaves(rows)[0]), devices.mesh(), []
    for first in range(0, count, chunk):
        some = jax.tree.map(itemgetter(slice(first, first + chunk)), rows)
        left, size = min(chunk, count - first), chunk
        while size // 8 >= left:
            size //= 8
        new = devices.in_full_precision(function, *devices.spread(some, over, size))
        results.append(devices.collect(new, left))
    return jax.tree.map(lambda *leaves: np.concatenate(leaves), *results)
