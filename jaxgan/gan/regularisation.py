"""A penalty on the generator beside any adversarial objective, every few steps.

The penalty's gradient is added to the adversarial one before the optimiser sees them:
both are one objective, and no state of an optimiser is spent on the penalty alone. In
the steps between, nothing of it is computed (Karras et al. 2020, arXiv:1912.04958,
section 4.2, "lazy regularisation", where it has updates of its own).
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Int

from jaxgan.training.algorithm import Algorithm
from jaxgan.types import Params, PRNGKey, Scalar

STREAM = 3
"""Number of the penalty's key among those split from the key of a run, which has
three for `jaxgan.training.algorithm.streams`."""


class Penalty(NamedTuple):
    """What is added to the generator's loss, estimated anew at every use.

    Attributes:
        init: `init() -> memory`, a tree of arrays that goes from use to use.
        apply: `apply(params, key, memory) -> (value, memory)`, whose gradient by the
            weights is what training uses.
    """

    init: Callable[[], Any]
    apply: Callable[[Params, PRNGKey, Any], tuple[Scalar, Any]]


class State(NamedTuple):
    """What the generator's optimiser carries.

    Attributes:
        key: of the penalty, fixed for the whole run.
        weight: of the penalty; here, so that one program serves all weights.
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
    """Wrap an adversarial algorithm: minimise `weight` · penalty as well.

    The algorithm's state and metrics stay as they are; the penalty's own state is in
    `state.generator_optimizer`. With weight 0 a run has the same bits as without.

    Args:
        make: builds the algorithm around an optimiser of the generator, for example
            `lambda o: gans.wgan_gp(generator, critic, generator_optimizer=o)`.
        optimizer: of the generator.
        penalty: of the generator's weights.
        weight: 0 or larger.
        every: steps from use to use; a use counts as many times.

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
        own = jax.random.fold_in(state.key, STREAM)
        optimizer = state.generator_optimizer._replace(key=own)
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
            # Replaced by `regularised`: an optimiser is not told the run's key.
            key=jax.random.key(0),
            weight=jnp.asarray(weight, jnp.float32),
            step=jnp.zeros((), jnp.int32),
            memory=penalty.init(),
            value=jnp.full((), jnp.nan),
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
