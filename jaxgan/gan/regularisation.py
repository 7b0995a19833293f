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
import optax
from jaxtyping import Array, Bool, Int

from jaxgan.networks.arguments import is_traced
from jaxgan.types import Examples, Params, PRNGKey, Scalar

NORM_RATE = 0.05
"""Share of the newest norm in the running means of `matched_regulariser`."""


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


class MatchedState(NamedTuple):
    """What training carries of a penalty whose strength is a ratio of gradients.

    Attributes:
        ratio: norm of what the penalty adds per step, divided by that of the
            adversarial gradient; an array, so that one program serves all ratios.
        weight: by which the penalty was last multiplied, which follows from `ratio`.
        adversarial: running mean of the norm of the adversarial gradient.
        own: running mean of the norm of the penalty's gradient, before its weight.
        uses: of the penalty so far.
        memory: what the last use has left to the next.
        value: of the penalty at its last use, before its weight; NaN before the first.
    """

    ratio: Scalar
    weight: Scalar
    adversarial: Scalar
    own: Scalar
    uses: Int[Array, ""]
    memory: Any
    value: Scalar


class Regulariser(NamedTuple):
    """What a penalty does in a training step.

    Attributes:
        init: `init(key) -> state`.
        add: `add(gradient, params, key, step, state, examples) -> (gradient, state)`:
            the gradient that the generator's optimiser gets, from the adversarial one.
            The key is fixed for the whole run; `step` counts the updates made;
            `examples` are the real ones of the critic's last update.
    """

    init: Callable[[PRNGKey], Any]
    add: Callable[
        [Params, Params, PRNGKey, Int[Array, ""], Any, Examples],
        tuple[Params, Any],
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

    def init(key: PRNGKey) -> PenaltyState:
        del key
        return PenaltyState(
            weight=jnp.asarray(weight, jnp.float32),
            memory=penalty.init(),
            value=jnp.asarray(jnp.nan, jnp.float32),
        )

    def use(gradient: Params, slope: Params, value, memory, state: PenaltyState):
        added = scaled_sum(gradient, slope, state.weight * every)
        return added, state._replace(memory=memory, value=value)

    return Regulariser(init, _lazy(penalty, every, use))


def matched_regulariser(
    penalty: Penalty, *, ratio: float | Scalar, every: int = 8, ramp: int = 0
) -> Regulariser:
    """Return a lazy regulariser whose strength is set by the size of its gradient.

    Weights of different penalties cannot be compared: their gradients differ in size.
    Here the weight is w = r · a / g, with running means a and g of the norms of the
    adversarial gradient and of the penalty's, over all weights of the generator, both
    taken when the penalty is used. So penalties of the same ratio r pull equally hard.

    Args:
        penalty: a function of the generator's weights.
        ratio: r, 0 or larger.
        every: steps from one use of the penalty to the next; its gradient is multiplied
            by as many, so that r is the ratio of what both add over many steps.
        ramp: steps over which the ratio rises from 0 to r, in a line, counted from the
            first use; 0 for none.

    Raises:
        ValueError: if `ratio`, `every` or `ramp` is out of range.
    """
    if not is_traced(ratio) and not 0 <= ratio < float("inf"):
        raise ValueError(f"ratio must be ≥ 0 and finite, got {ratio}")
    if every < 1:
        raise ValueError(f"every must be at least 1, got {every}")
    require_ramp(ramp)

    def init(key: PRNGKey) -> MatchedState:
        del key
        # Each has a buffer of its own, so that training may give them away.
        return MatchedState(
            ratio=jnp.asarray(ratio, jnp.float32),
            weight=jnp.zeros((), jnp.float32),
            adversarial=jnp.zeros((), jnp.float32),
            own=jnp.zeros((), jnp.float32),
            uses=jnp.zeros((), jnp.int32),
            memory=penalty.init(),
            value=jnp.asarray(jnp.nan, jnp.float32),
        )

    def use(gradient: Params, slope: Params, value, memory, state: MatchedState):
        before = state.uses.astype(jnp.float32)
        rate = jnp.maximum(1 / (before + 1), NORM_RATE)
        adversarial, own = (
            mean + rate * (optax.tree.norm(each) - mean)
            for mean, each in ((state.adversarial, gradient), (state.own, slope))
        )
        share = risen(state.uses * every, ramp)
        # A penalty that is flat everywhere adds nothing, whatever its weight.
        weight = jnp.where(own > 0, share * state.ratio * adversarial / own, 0.0)
        state = MatchedState(
            state.ratio, weight, adversarial, own, state.uses + 1, memory, value
        )
        return scaled_sum(gradient, slope, weight * every), state

    return Regulariser(init, _lazy(penalty, every, use))


def require_ramp(ramp: int) -> None:
    """Raise a `ValueError` if a number of steps is negative."""
    if ramp < 0:
        raise ValueError(f"ramp must be at least 0, got {ramp}")


def risen(steps: Int[Array, ""], ramp: int) -> Scalar | float:
    """Return how far what rises from 0 to 1 over `ramp` steps, in a line, has come."""
    return jnp.minimum(steps.astype(jnp.float32) / ramp, 1.0) if ramp else 1.0


def scaled_sum(gradient: Params, slope: Params, scale: Scalar) -> Params:
    """Return the gradient plus the scaled other one."""
    return jax.tree.map(lambda g, s: g + scale * s, gradient, slope)


def _lazy(penalty: Penalty, every: int, use: Callable[..., tuple[Params, Any]]):
    """Return `Regulariser.add`: every few steps `use`, and in between nothing.

    `use(gradient, slope, value, memory, state)` gets the gradient, value and memory of
    the penalty, and returns what the optimiser gets, and the state.
    """

    def add(
        gradient: Params,
        params: Params,
        key: PRNGKey,
        step: Int[Array, ""],
        state: Any,
        examples: Examples,
    ) -> tuple[Params, Any]:
        del examples

        def used():
            own = jax.random.fold_in(key, step)
            (value, memory), slope = jax.value_and_grad(penalty.apply, has_aux=True)(
                params, own, state.memory
            )
            return use(gradient, slope, value, memory, state)

        def rest():
            return gradient, state

        # Under `jax.vmap` the inner choice computes both sides; the outer one does not.
        due = step % every == 0
        return jax.lax.cond(
            _in_any_lane(due), lambda: jax.lax.cond(due, used, rest), rest
        )

    return add


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
