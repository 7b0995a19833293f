"""Trees of arrays as named leaves, and SHA-256 digests of all their bits.

PRNG keys count as the integers that they are made of.
"""

import hashlib
from collections.abc import Mapping
from typing import Any, TypeAlias

import jax
import numpy as np

Leaves: TypeAlias = dict[str, Any]
"""Arrays by the path to them in a tree."""


def sha256(state: Any) -> str:
    """Return the digest of a tree: of names, types, shapes and bits of all leaves."""
    found = digests(as_arrays(named(state)))
    text = "".join(f"{name} {digest}\n" for name, digest in sorted(found.items()))
    return hashlib.sha256(text.encode()).hexdigest()


def named(state: Any) -> Leaves:
    """Return every leaf by its path, in the order of the tree."""
    return {
        jax.tree_util.keystr(path, simple=True, separator="."): leaf
        for path, leaf in jax.tree_util.tree_leaves_with_path(state)
    }


def _is_key(leaf: Any) -> bool:
    return isinstance(leaf, jax.Array) and jax.numpy.issubdtype(
        leaf.dtype, jax.dtypes.prng_key
    )


def as_arrays(leaves: Leaves) -> Leaves:
    """Return the leaves with the integers of a PRNG key in place of the key."""
    return {
        name: jax.random.key_data(leaf) if _is_key(leaf) else leaf
        for name, leaf in leaves.items()
    }


def fill(like: Any, arrays: Mapping[str, Any]) -> Any:
    """Return a tree of the same structure, filled with arrays by their names.

    Args:
        like: a tree; its PRNG keys say which implementation the new keys have.
        arrays: as `as_arrays` returns them.
    """

    def one(array: Any, leaf: jax.Array) -> Any:
        if not _is_key(leaf):
            return array
        return jax.random.wrap_key_data(array, impl=jax.random.key_impl(leaf))

    leaves = [one(arrays[name], leaf) for name, leaf in named(like).items()]
    return jax.tree.unflatten(jax.tree.structure(like), leaves)


def key_implementations(leaves: Leaves) -> dict[str, str]:
    """Return the name of the implementation of every PRNG key."""
    return {
        name: str(jax.random.key_impl(leaf))
        for name, leaf in leaves.items()
        if _is_key(leaf)
    }


def digests(arrays: Leaves) -> dict[str, str]:
    """Map each name to "dtype[shape] sha256"."""

    def digest(array: jax.Array | np.ndarray) -> str:
        data = np.asarray(array).tobytes()
        return f"{dtype_and_shape(array)} {hashlib.sha256(data).hexdigest()}"

    return {name: digest(array) for name, array in arrays.items()}


def dtype_and_shape(array: jax.Array | np.ndarray) -> str:
    """Return type and shape as text: `float32[64,32]`."""
    return f"{array.dtype}[{','.join(map(str, array.shape))}]"
