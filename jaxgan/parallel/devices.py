"""Rows of work over all devices of all processes, by JAX's own sharding.

Every process runs the same program on the same inputs. On the devices, examples of a
batch or instances of a search are divided; weights and data are on each of them.
"""

from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

import jax
import jax.numpy as jnp
import numpy as np
from jax.experimental import multihost_utils
from jax.sharding import AxisType, Mesh, NamedSharding, PartitionSpec

AXIS = "rows"

T = TypeVar("T")


def mesh() -> Mesh:
    """All devices of all processes, side by side."""
    return jax.make_mesh((jax.device_count(),), (AXIS,), axis_types=(AxisType.Auto,))


def replicate(tree: T, over: Mesh) -> T:
    """Put every leaf on every device.

    Args:
        tree: arrays, the same in every process.
        over: the devices.
    """
    return jax.tree.map(partial(_place, NamedSharding(over, PartitionSpec())), tree)


def _place(sharding: NamedSharding, leaf: Any) -> jax.Array:
    """Place what every process has, also where devices are another process's."""
    if jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key):
        words = _place(sharding, jax.random.key_data(leaf))
        return jax.random.wrap_key_data(words, impl=jax.random.key_impl(leaf))
    array = np.asarray(leaf)
    array = array.astype(jax.dtypes.canonicalize_dtype(array.dtype), copy=False)
    return jax.make_array_from_callback(array.shape, sharding, array.__getitem__)


def divide(batch: T, over: Mesh, axis: int = 0) -> T:
    """Divide arrays of a compiled program, and what is computed from them.

    Rows need not fill the devices evenly.

    Args:
        batch: arrays with their rows along one axis.
        over: the devices.
        axis: of the rows.
    """
    spec = PartitionSpec(*[None] * axis, AXIS)
    return jax.lax.with_sharding_constraint(batch, NamedSharding(over, spec))


def unite(tree: T, over: Mesh) -> T:
    """Have the whole of every array of a compiled program on every device."""
    return jax.lax.with_sharding_constraint(tree, NamedSharding(over, PartitionSpec()))


def spread(rows: T, over: Mesh, least: int = 1) -> T:
    """Give each device its part of the rows, which are repeated until all are full.

    Args:
        rows: a tree of arrays `[n, ...]`, the same in every process.
        over: the devices.
        least: rows in all, repeated ones with them; for few different shapes.
    """
    count = len(jax.tree.leaves(rows)[0])
    total = -(-max(count, least) // over.size) * over.size
    padded = np.resize(np.arange(count), total)
    given = jax.tree.map(lambda leaf: np.asarray(leaf)[padded], rows)
    part = NamedSharding(over, PartitionSpec(AXIS))
    return jax.tree.map(partial(_place, part), given)


def collect(tree: Any, count: int) -> Any:
    """Bring the first rows back to the host, all of them in every process."""

    def one(leaf: jax.Array) -> np.ndarray:
        if leaf.is_fully_addressable or leaf.is_fully_replicated:
            return np.asarray(leaf)[:count]
        return multihost_utils.process_allgather(leaf, tiled=True)[:count]

    return jax.tree.map(one, tree)


def in_full_precision(function: Callable[..., T], *arguments: Any) -> T:
    """Call a function whose matrix products keep all bits of their factors.

    Accelerators would round those of single precision to 8 or 11 bits.
    """
    with jax.default_matmul_precision("highest"):
        return function(*arguments)


def map_rows(
    function: Callable[..., Any],
    static: tuple[Any, ...],
    shared: tuple[Any, ...],
    rows: tuple[Any, ...],
) -> Any:
    """Run `function(*static, *shared, *rows)`, each device on its part of the rows.

    No device waits for another one, even in loops whose length depends on the rows.

    Args:
        function: pure; gives arrays `[k, ...]` for k rows. Whoever calls again with the
            same one, the same static arguments and the same shapes compiles nothing.
        static: what is not an array, hashable.
        shared: the same for all rows.
        rows: trees of arrays `[n, ...]`.

    Returns:
        NumPy arrays `[n, ...]`.
    """
    over = mesh()
    given = replicate(shared, over), spread(rows, over)
    found = in_full_precision(_on_each, function, static, over, *given)
    return collect(found, len(jax.tree.leaves(rows)[0]))


@partial(jax.jit, static_argnums=(0, 1, 2))
def _on_each(
    function: Callable[..., Any],
    static: tuple[Any, ...],
    over: Mesh,
    shared: tuple[Any, ...],
    rows: tuple[Any, ...],
) -> Any:
    whole, part = PartitionSpec(), PartitionSpec(AXIS)
    return jax.shard_map(
        lambda shared, rows: function(*static, *shared, *rows),
        mesh=over,
        in_specs=(whole, part),
        out_specs=part,
        check_vma=False,  # Loops of the parts end at different times.
    )(shared, rows)
