"""Which starts of a pair are refined: all on the coarsest level, fewer on finer ones.

The energy of a coarse path may mislead: the path that is best on one level need not be
the best one on the next. So half of the starts go on to each finer level, and at least
two. One of them is the straight line, so that more starts do not end above one alone.
"""

from typing import TypeVar

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

T = TypeVar("T")


def starts_on_levels(num_starts: int, num_levels: int) -> tuple[int, ...]:
    """Return the number of starts on each level.

    >>> starts_on_levels(8, 4)
    (8, 4, 2, 2)
    """
    least = min(num_starts, 2)
    return tuple(max(least, -(-num_starts // 2**k)) for k in range(num_levels))


def choose(
    energies: Float[Array, "pairs starts"], count: int
) -> Int[Array, "pairs chosen"]:
    """Return the first start of each pair and the best of the others, the best first.

    Args:
        energies: of the starts; the first one is the straight line.
        count: how many starts to choose.
    """
    others = jnp.argsort(energies[:, 1:], 1)[:, : count - 1] + 1
    return jnp.pad(others, ((0, 0), (1, 0)))


def take(tree: T, chosen: Int[Array, "pairs chosen"]) -> T:
    """Return the chosen starts of each pair, of a tree of arrays `[pairs, starts, …]`.

    They have the shapes `[pairs, chosen, …]`.
    """
    return jax.tree.map(
        lambda leaf: jax.vmap(lambda rows, own: rows[own])(leaf, chosen), tree
    )
