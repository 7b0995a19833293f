"""A penalty on the generator beside any adversarial objective, every few steps.

The gradient of the penalty is added to the adversarial one before the optimiser gets
them: both are one objective, with one state of the optimiser. In the steps between,
nothing of the penalty is computed (Karras et al. 2020, arXiv:1912.04958, section 4.2,
"lazy regularisation", where the penalty has updates of its own).
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Int

from jaxgan.networks.arguments import is_traced
from jaxgan.types import Params, PRNGKey, Scalar


class Penalty(NamedTuple):
    """What is added to the generator's loss, estimated anew at every use.

    Attributes:
        init: `init() -> memory`, a tree of arrays that one use leaves to the next.
        apply: `apply(params, key, memory) -> (value, memory)`. Training uses the
            gradient of the value by the generator's weights.
    """

    init: Callable[[], Any]
    apply: Callable[[Params, PRNGKey, Any], tuple[Scalar, Any]]


class PenaltyState(NamedTuple):
    """What training carries of a penalty from step to step.

    Attributes:
        weight: what the penalty is multiplied by; an array, so that one program serves
            all weights.
        memory: what the last use has left to the next.
        value: of the penalty at its last use, before its weight; NaN before the first.
    """

    weight: Scalar
    memory: Any
    value: Scalar


class Regulariser(NamedTuple):
    """What a penalty does in a training step.

    Attributes:
        init: `init() -> state`.
        add: `add(gradient, params, key, step, state) -> (gradient, state)`: the
            gradient that the generator's optimiser gets, from the adversarial one. The
            key is fixed for the whole run; `step` counts the updates made.
    """

    init: Callable[[], PenaltyState]
    add: Callable[
        [Params, Params, PRNGKey, Int[Array, ""], PenaltyState],
        tuple[Params, PenaltyState],
    ]


def lazy_regulariser(
    penalty: Penalty, *, weight: float | Scalar, every: int = 8
) -> Regulariser:
    """Return the regulariser that uses a penalty once every few steps.

    With weight 0 a run has the same bits as without a regulariser. `jax.vmap` over
    states computes the penalty only at the steps where one of them is due: of states
    that have taken equally many steps, every few steps as well.

    Args:
        penalty: a function of the generator's weights.
        weight: what the penalty is multiplied by, 0 or larger.
        every: steps from one use of the penalty to the next; its gradient is multiplied
            by as many.

    Raises:
        ValueError: if `weight` or `every` is out of range.
    """
    if not is_traced(weight) and not 0 <= weight < float("inf"):
        raise ValueError(f"weight must be ≥ 0 and finite, got {weight}")
    if every < 1:
        raise ValueError(f"every must be at least 1, got {every}")

    def init() -> PenaltyState:
        return PenaltyState(
            weight=jnp.asarray(weight, jnp.float32),
            memory=penalty.init(),
            value=jnp.asarray(jnp.nan, jnp.float32),
        )

    def add(
        gradient: Params,
        params: Params,
        key: PRNGKey,
        step: Int[Array, ""],
        state: PenaltyState,
    ) -> tuple[Params, PenaltyState]:
        def use():
            own = jax.random.fold_in(key, step)
            (value, memory), slope = jax.value_and_grad(penalty.apply, has_aux=True)(
                params, own, state.memory
            )
            scale = state.weight * every
            added = jax.tree.map(lambda g, s: g + scale * s, gradient, slope)
            return added, state._replace(memory=memory, value=value)

        def rest():
            return gradient, state

        # Under `jax.vmap` the inner choice computes both sides; the outer one does not.
        due = step % every == 0
        return jax.lax.cond(
            _in_any_lane(due), lambda: jax.lax.cond(due, use, rest), rest
        )

    return Regulariser(init, add)


@jax.custom_batching.custom_vmap
def _in_any_lane(condition: Bool[Array, ""]) -> Bool[Array, ""]:
    """Return whether a condition holds in any lane of all `jax.vmap` around it.

    This is one number for all lanes, so that `jax.lax.cond` on it stays a choice.
    """
    return condition


@_in_any_lane.def_vmap
def _(axis_size, in_batched, condition):
    del axis_size, in_batched
    # Of the lanes of this `jax.vmap`; the call takes care of those around it.
    return _in_any_lane(jnp.any(condition, 0)), False
