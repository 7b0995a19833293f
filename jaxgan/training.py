"""The one compiled loop that trains: any algorithm, any data, any number of steps.

A run can stop at any step and go on: chunks of any length give the same bits.
"""

from functools import partial

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Real

from jaxgan.algorithms import Algorithm, Metrics, State, streams


def as_inputs(data: Real[Array, "*shape"]) -> Float[Array, "*shape"]:
    """Bring uint8 pixels to [-1, 1]; floats are in the networks' units already."""
    if data.dtype == jnp.uint8:
        return data.astype(jnp.float32) / 127.5 - 1
    return data


def steps_per_epoch(algorithm: Algorithm, num_examples: int, batch_size: int) -> int:
    """Count the steps in one pass over the data; what does not fill a step is left out.

    Raises:
        ValueError: if the data does not fill a single step.
    """
    used = algorithm.critic_steps * batch_size
    if not 1 <= used <= num_examples:
        raise ValueError(
            f"{algorithm.critic_steps} critic steps of batch size {batch_size} need "
            f"between 1 and {num_examples} examples (the whole data), got {used}"
        )
    return num_examples // used


def run_steps(
    algorithm: Algorithm,
    state: State,
    data: Real[Array, "n *shape"],
    num_steps: int,
    *,
    batch_size: int,
) -> tuple[State, Metrics]:
    """Take `num_steps` steps; every epoch is a fresh permutation of the data.

    Pure and not compiled: `jax.vmap` over states trains several models at once.

    Args:
        algorithm: what to run.
        state: where to go on from.
        data: uint8 images (scaled to [-1, 1] batch by batch) or floating-point points.
        num_steps: at least 1.
        batch_size: examples in each batch.

    Returns:
        The new state, and metrics averaged over the steps.

    Raises:
        ValueError: if the data does not fill one step, or `num_steps` is below 1.
    """
    if num_steps < 1:
        raise ValueError(f"num_steps must be at least 1, got {num_steps}")
    per_epoch = steps_per_epoch(algorithm, len(data), batch_size)
    used = algorithm.critic_steps * batch_size

    # Permutations are drawn before the loop, for the epochs that these steps touch.
    order_key = streams(state.key).order
    first_epoch = state.step // per_epoch
    epochs = first_epoch + jnp.arange((num_steps - 1) // per_epoch + 2)
    orders = jax.vmap(
        lambda epoch: jax.random.permutation(
            jax.random.fold_in(order_key, epoch), len(data)
        )
    )(epochs)
    order = orders[:, : per_epoch * used].reshape(
        -1, algorithm.critic_steps, batch_size
    )
    offset = state.step - first_epoch * per_epoch
    order = jax.lax.dynamic_slice_in_dim(order, offset, num_steps)

    def body(state, indices):
        return algorithm.step(state, as_inputs(data[indices]))

    state, metrics = jax.lax.scan(body, state, order)
    return state, jax.tree.map(jnp.mean, metrics)


@partial(
    jax.jit,
    static_argnames=("algorithm", "num_steps", "batch_size"),
    donate_argnames=("state",),
)
def chunk(
    algorithm: Algorithm,
    state: State,
    data: Real[Array, "n *shape"],
    num_steps: int,
    *,
    batch_size: int,
) -> tuple[State, Metrics]:
    """Run `run_steps` as one compiled program; the given state is used up (donated)."""
    return run_steps(algorithm, state, data, num_steps, batch_size=batch_size)
