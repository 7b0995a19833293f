"""Iterate many independent instances, and leave out those that are finished."""

from collections.abc import Callable
from typing import Any, TypeVar

import jax
import numpy as np

S = TypeVar("S")


def run_rounds(
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
        chunk: most instances in one call; smaller batches are this over a power of
            eight, so that few shapes are compiled.
    """
    (numbers,) = np.nonzero(active)
    for first in range(0, len(numbers), chunk):
        states = _advance_some(
            advance, states, inputs, numbers[first : first + chunk], chunk
        )
    return states


def _advance_some(
    advance: Callable[[S, Any], S],
    states: S,
    inputs: Any,
    chosen: np.ndarray,
    chunk: int,
) -> S:
    size = chunk
    while size // 8 >= len(chosen):
        size //= 8
    padded = np.resize(chosen, size)
    some, given = jax.tree.map(lambda leaf: leaf[padded], (states, inputs))
    return jax.tree.map(
        lambda leaf, new: leaf.at[chosen].set(new[: len(chosen)]),
        states,
        advance(some, given),
    )
