"""Batches of independent instances: iterated, or evaluated once, chunk by chunk.

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
    """Advance the active instances, gathered so that the others cost nothing.

    Args:
        advance: compiled; some iterations of a batch of states with their inputs.
        states: a tree of arrays `[n, ...]`.
        inputs: a tree of arrays `[n, ...]`.
        active: whether each instance goes on, `[n]`.
        chunk: most instances in one call; see `evaluate`.
    """
    (numbers,) = np.nonzero(active)
    states = jax.tree.map(np.array, states)
    if len(numbers):
        some = jax.tree.map(lambda leaf: np.asarray(leaf)[numbers], (states, inputs))
        found = evaluate_in_chunks(advance, some, chunk=chunk)

        def put(leaf: np.ndarray, new: np.ndarray) -> None:
            leaf[numbers] = new

        jax.tree.map(put, states, found)
    return states


def evaluate_in_chunks(function: Callable[..., Any], rows: Any, *, chunk: int) -> Any:
    """Give `function(*rows)`, at most a chunk of rows in each call.

    Args:
        function: compiled; from arrays `[k, ...]` to arrays `[k, ...]`, row by row.
        rows: a tuple of trees of arrays `[n, ...]`, n at least 1.
        chunk: most rows in one call; a smaller rest is this over a power of eight, so
            that few shapes are compiled.

    Returns:
        NumPy arrays `[n, ...]`.
    """
    count, over, found = len(jax.tree.leaves(rows)[0]), devices.mesh(), []
    for first in range(0, count, chunk):
        some = jax.tree.map(itemgetter(slice(first, first + chunk)), rows)
        left, size = min(chunk, count - first), chunk
        while size // 8 >= left:
            size //= 8
        new = devices.in_full_precision(function, *devices.spread(some, over, size))
        found.append(devices.collect(new, left))
    return jax.tree.map(lambda *leaves: np.concatenate(leaves), *found)
