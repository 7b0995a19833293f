"""Rows of work divided among all devices of all processes, by JAX's own sharding.

Every process runs the same program on the same inputs. The examples of a batch, or the
instances of a search, are divided among the devices; weights and data are on each of
them.
"""

from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

import jax
import jax.numpy as jnp
import numpy as np
from jax.experimental import multihost_utils
from jax.sharding import AxisType, Mesh, NamedSharding, PartitionSpec

from jaxgan.parallel import threads

AXIS = "rows"

T = TypeVar("T")


def mesh() -> Mesh:
    """Return all devices of all processes, as a mesh with one axis."""
    return jax.make_mesh((jax.device_count(),), (AXIS,), axis_types=(AxisType.Auto,))


def replicate(tree: T, over: Mesh) -> T:
    """Return the tree with every leaf on every device.

    Args:
        tree: arrays, the same in every process.
        over: the devices.
    """
    return jax.tree.map(partial(_place, NamedSharding(over, PartitionSpec())), tree)


def _place(sharding: NamedSharding, leaf: Any) -> jax.Array:
    """Place an array that every process has, also on devices of other processes."""
    if jnp.issubdtype(jnp.result_type(leaf), jax.dtypes.prng_key):
        words = _place(sharding, jax.random.key_data(leaf))
        return jax.random.wrap_key_data(words, impl=jax.random.key_impl(leaf))
    array = np.asarray(leaf)
    array = array.astype(jax.dtypes.canonicalize_dtype(array.dtype), copy=False)
    return jax.make_array_from_callback(array.shape, sharding, array.__getitem__)


def divide(batch: T, over: Mesh, axis: int = 0) -> T:
    """Return arrays of a compiled program, their rows divided among the devices.

    What is computed from them row by row is divided in the same way. Devices need not
    have equally many rows.

    Args:
        batch: arrays with their rows along one axis.
        over: the devices.
        axis: of the rows.
    """
    spec = PartitionSpec(*[None] * axis, AXIS)
    return jax.lax.with_sharding_constraint(batch, NamedSharding(over, spec))


def unite(tree: T, over: Mesh) -> T:
    """Return arrays of a compiled program, all of them on every device."""
    return jax.lax.with_sharding_constraint(tree, NamedSharding(over, PartitionSpec()))


def spread(rows: T, over: Mesh, least: int = 1) -> T:
    """Return rows divided equally among the devices; rows are repeated to fill them.

    Args:
        rows: a tree of arrays `[n, ...]`, the same in every process.
        over: the devices.
        least: least number of rows with the repeated ones, so that programs are
            compiled for few different shapes.

    Raises:
        ValueError: if devices of this processor might wait for one another for ever.
    """
    threads.require_spare()
    count = len(jax.tree.leaves(rows)[0])
    total = -(-max(count, least) // over.size) * over.size
    numbers = np.resize(np.arange(count), total)
    filled = jax.tree.map(lambda leaf: np.asarray(leaf)[numbers], rows)
    part = NamedSharding(over, PartitionSpec(AXIS))
    return jax.tree.map(partial(_place, part), filled)


def collect(tree: Any, count: int) -> Any:
    """Return the first `count` rows as NumPy arrays, in every process."""

    def one(leaf: jax.Array) -> np.ndarray:
        if leaf.is_fully_addressable or leaf.is_fully_replicated:
            return np.asarray(leaf)[:count]
        return multihost_utils.process_allgather(leaf, tiled=True)[:count]

    return jax.tree.map(one, tree)


def in_full_precision(function: Callable[..., T], *arguments: Any) -> T:
    """Return `function(*arguments)`, its matrix products in full precision.

    Accelerators would round factors of single precision to 8 or 11 bits.
    """
    with jax.default_matmul_precision("highest"):
        return function(*arguments)


def map_rows(
    function: Callable[..., Any],
    static: tuple[Any, ...],
    shared: tuple[Any, ...],
    rows: tuple[Any, ...],
) -> Any:
    """Return `function(*static, *shared, *rows)`, each device working on its rows.

    No device waits for another one, even in loops whose length depends on the rows.

    Args:
        function: pure; returns arrays `[k, ...]` for k rows. It is compiled once for
            the same function, static arguments and shapes.
        static: arguments that are hashable and not arrays.
        shared: trees of arrays that are the same for all rows.
        rows: trees of arrays `[n, ...]`.

    Returns:
        NumPy arrays `[n, ...]`.
    """
    over = mesh()
    placed = replicate(shared, over), spread(rows, over)
    results = in_full_precision(_on_each, function, static, over, *placed)
    return collect(results, len(jax.tree.leaves(rows)[0]))


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
