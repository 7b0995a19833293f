"""A penalty on the generator beside any adversarial objective, every few steps.

The gradient of the penalty is added to the adversarial one before the optimiser gets
them: both are one objective, with one state of the optimiser. In the steps between,
nothing of the penalty is computed (Karras et al. 2020, arXiv:1912.04958, section 4.2,
"lazy regularisation", where the penalty has updates of its own). Only `jax.vmap` over
states computes it at every step.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Int

from jaxgan.training.algorithm import Algorithm, streams
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


class State(NamedTuple):
    """State of the generator's optimiser, with that of the penalty.

    Attributes:
        key: of the penalty, fixed for the whole run.
        weight: of the penalty; an array, so that one program serves all weights.
        step: number of updates made.
        memory: of the penalty.
        value: of the penalty at its last use, before its weight; NaN before the first.
        inner: state of the optimiser itself.
    """

    key: PRNGKey
    weight: Scalar
    step: Int[Array, ""]
    memory: Any
    value: Scalar
    inner: optax.OptState


def regularised(
    make: Callable[[optax.GradientTransformation], Algorithm],
    optimizer: optax.GradientTransformation,
    penalty: Penalty,
    *,
    weight: float,
    every: int = 8,
) -> Algorithm:
    """Return an adversarial algorithm whose generator minimises a penalty as well.

    State and metrics are those of the algorithm; the penalty's own state is in
    `state.generator_optimizer`. With weight 0 a run has the same bits as without.

    Args:
        make: builds the algorithm around an optimiser of the generator, for example
            `lambda o: gan.wgan_gp(generator, critic, generator_optimizer=o)`.
        optimizer: of the generator.
        penalty: a function of the generator's weights.
        weight: what the penalty is multiplied by, 0 or larger.
        every: steps from one use of the penalty to the next; its gradient is multiplied
            by as many.

    Raises:
        ValueError: if `weight` or `every` is out of range.
    """
    if not 0 <= weight < float("inf"):
        raise ValueError(f"weight must be ≥ 0 and finite, got {weight}")
    if every < 1:
        raise ValueError(f"every must be at least 1, got {every}")
    algorithm = make(_with_penalty(optimizer, penalty, weight, every))

    def init(key: PRNGKey) -> Any:
        state = algorithm.init(key)
        key = streams(state.key).penalty
        optimizer = state.generator_optimizer._replace(key=key)
        return state._replace(generator_optimizer=optimizer)

    return Algorithm(init, algorithm.step, algorithm.batches_per_step)


def _with_penalty(
    optimizer: optax.GradientTransformation,
    penalty: Penalty,
    weight: float,
    every: int,
) -> optax.GradientTransformation:
    def init(params: Params) -> State:
        return State(
            # Replaced by `regularised`: an optimiser does not know the key of the run.
            key=jax.random.key(0),
            weight=jnp.asarray(weight, jnp.float32),
            step=jnp.zeros((), jnp.int32),
            memory=penalty.init(),
            value=jnp.asarray(jnp.nan, jnp.float32),
            inner=optimizer.init(params),
        )

    def update(updates: Any, state: Any, params: Any = None) -> tuple[Any, Any]:
        def use():
            key = jax.random.fold_in(state.key, state.step)
            (value, memory), gradient = jax.value_and_grad(penalty.apply, has_aux=True)(
                params, key, state.memory
            )
            scale = state.weight * every
            added = jax.tree.map(lambda u, g: u + scale * g, updates, gradient)
            return added, memory, value

        def rest():
            return updates, state.memory, state.value

        added, memory, value = jax.lax.cond(state.step % every == 0, use, rest)
        change, inner = optimizer.update(added, state.inner, params)
        return change, state._replace(
            step=state.step + 1, memory=memory, value=value, inner=inner
        )

    return optax.GradientTransformation(init, update)
