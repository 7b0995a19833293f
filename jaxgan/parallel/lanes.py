"""Many independent iterations in one program, in a fixed number of lanes.

`jax.vmap` of a loop computes all items until the last one is finished. Here a lane is a
place for one item; when that is finished, the next one that waits takes its place, so
that finished items cost nothing.
"""

from collections.abc import Callable
from typing import Any, TypeVar

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Bool

S = TypeVar("S")
R = TypeVar("R")


def run_in_lanes(
    begin: Callable[[Any], S],
    advance: Callable[[Any, S], S],
    finished: Callable[[S], Bool[Array, ""]],
    outcome: Callable[[S], R],
    items: Any,
    lanes: int,
) -> R:
    """Advance the state of every item until it is finished; return the outcomes.

    The outcome of an item does not depend on the other items.

    Args:
        begin: `begin(item)` is the first state of an item. It is computed for all lanes
            after every `advance`, so it must be cheap.
        advance: `advance(item, state)` is the next state; the expensive part.
        finished: whether a state is the last one of its item. It must become true.
        outcome: what to keep of a last state.
        items: a tree of arrays `[n, ...]`.
        lanes: items worked on at a time.

    Returns:
        The outcomes, `[n, ...]`.
    """
    count = len(jax.tree.leaves(items)[0])
    lanes = min(lanes, count)

    def of(owners: Array) -> Any:
        return jax.tree.map(lambda leaf: leaf[jnp.minimum(owners, count - 1)], items)

    owners = jnp.arange(lanes)
    states = jax.vmap(begin)(of(owners))
    results = jax.tree.map(
        lambda leaf: jnp.zeros((count, *leaf.shape), leaf.dtype),
        jax.eval_shape(outcome, jax.tree.map(lambda leaf: leaf[0], states)),
    )

    def body(carry):
        owners, waiting, states, results = carry
        states = jax.vmap(advance)(of(owners), states)
        done = jax.vmap(finished)(states)
        places = jnp.where(done, owners, count)  # Beyond the end: dropped.
        results = jax.tree.map(
            lambda all_, new: all_.at[places].set(new, mode="drop"),
            results,
            jax.vmap(outcome)(states),
        )
        following = waiting + jnp.cumsum(done) - 1
        owners = jnp.where(done, following, owners)
        fresh = jax.vmap(begin)(of(owners))
        states = jax.vmap(optax.tree.where)(done, fresh, states)
        return owners, waiting + jnp.sum(done), states, results

    def working(carry) -> Array:
        return jnp.any(carry[0] < count)

    carry = (owners, jnp.asarray(lanes), states, results)
    return jax.lax.while_loop(working, body, carry)[3]
