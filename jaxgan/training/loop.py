"""The one loop that trains: any algorithm, any data, any number of steps.

A run can be interrupted at any step: chunks of any length lead to the same bits.
"""

from functools import partial
from typing import Any, TypeAlias, TypeVar

import jax
import jax.numpy as jnp
from jax.sharding import Mesh
from jaxtyping import Array, PyTree, Real

from jaxgan.parallel import devices
from jaxgan.pixels import as_inputs
from jaxgan.training.algorithm import Algorithm, State, streams

Data: TypeAlias = PyTree[Real[Array, "n ..."]]
"""Examples, or a tree of arrays of one length, such as images and their labels."""

S = TypeVar("S", bound=State)


def steps_per_epoch(algorithm: Algorithm, num_examples: int, batch_size: int) -> int:
    """Return the number of steps in one pass over the data, its rest left out.

    Raises:
        ValueError: if the data does not fill a single step.
    """
    used = algorithm.batches_per_step * batch_size
    if not 1 <= used <= num_examples:
        raise ValueError(
            f"{algorithm.batches_per_step} batches of {batch_size} for each step need "
            f"between 1 and {num_examples} examples (the whole data), got {used}"
        )
    return num_examples // used


def _length(data: Data) -> int:
    """Return the number of examples.

    Raises:
        ValueError: if the data are no arrays, of different lengths, or empty.
    """
    leaves = jax.tree.leaves(data)
    shapes: list[tuple[int, ...]] = [getattr(leaf, "shape", ()) for leaf in leaves]
    if not leaves or not all(shapes) or len({shape[0] for shape in shapes}) > 1:
        raise ValueError(
            "expected data [n, ...], arrays of one length, got "
            f"{', '.join(str(list(shape)) for shape in shapes[:5]) or 'none'}"
        )
    if not shapes[0][0]:
        raise ValueError(f"the data are empty: got {list(shapes[0])}")
    return shapes[0][0]


def run_steps(
    algorithm: Algorithm,
    state: S,
    data: Data,
    num_steps: int,
    *,
    batch_size: int,
    mesh: Mesh | None = None,
) -> tuple[S, Any]:
    """Take `num_steps` steps; every epoch is a fresh permutation of the data.

    Pure and not compiled: `jax.vmap` over states trains several models at once.

    Args:
        algorithm: what to run.
        state: the state before the steps.
        data: examples, or a tree of arrays of one length. A uint8 array with more than
            one axis is taken for pixels, and scaled to [-1, 1] batch by batch.
        num_steps: at least 1.
        batch_size: examples in each batch.
        mesh: devices that share every batch (`jaxgan.parallel.mesh`); state and data
            are on all of them. The noise is drawn for the whole batch, so that one
            device or many take the same steps, up to rounding.

    Returns:
        The state after the steps, and metrics averaged over them.

    Raises:
        ValueError: if the state has no key and step, the data are no arrays of one
            length or do not fill one step, or `num_steps` is below 1.
    """
    if not isinstance(state, State):
        raise ValueError(
            "expected a state, as algorithm.init returns it, got "
            f"{type(state).__name__}"
        )
    if num_steps < 1:
        raise ValueError(f"num_steps must be at least 1, got {num_steps}")
    num_examples = _length(data)
    per_epoch = steps_per_epoch(algorithm, num_examples, batch_size)
    used = algorithm.batches_per_step * batch_size

    # Permutations are drawn before the loop, for the epochs that these steps touch.
    order_key = streams(state.key).order
    first_epoch = state.step // per_epoch
    epochs = first_epoch + jnp.arange((num_steps - 1) // per_epoch + 2)
    orders = jax.vmap(
        lambda epoch: jax.random.permutation(
            jax.random.fold_in(order_key, epoch), num_examples
        )
    )(epochs)
    order = orders[:, : per_epoch * used].reshape(
        -1, algorithm.batches_per_step, batch_size
    )
    offset = state.step - first_epoch * per_epoch
    order = jax.lax.dynamic_slice_in_dim(order, offset, num_steps)

    def body(state, indices):
        # Labels have one axis.
        batches = jax.tree.map(
            lambda leaf: as_inputs(leaf[indices]) if leaf.ndim > 1 else leaf[indices],
            data,
        )
        if mesh is not None:
            batches = devices.divide(batches, mesh, axis=1)
        return algorithm.step(state, batches)

    state, metrics = jax.lax.scan(body, state, order)
    result = state, jax.tree.map(jnp.mean, metrics)
    return result if mesh is None else devices.unite(result, mesh)


@partial(
    jax.jit,
    static_argnames=("algorithm", "num_steps", "batch_size", "mesh"),
    donate_argnames=("state",),
)
def chunk(
    algorithm: Algorithm,
    state: S,
    data: Data,
    num_steps: int,
    *,
    batch_size: int,
    mesh: Mesh | None = None,
) -> tuple[S, Any]:
    """Return what `run_steps` does, compiled; the given state is donated, and lost."""
    return run_steps(
        algorithm, state, data, num_steps, batch_size=batch_size, mesh=mesh
    )
