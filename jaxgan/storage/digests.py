"""The leaves of a pytree by name, their bits as SHA-256 digests, PRNG keys included."""

import hashlib
from collections.abc import Mapping
from typing import Any, TypeAlias

import jax
import numpy as np

Leaves: TypeAlias = dict[str, Any]
"""Arrays by the path to them in a tree."""


def sha256(state: Any) -> str:
    """Digest of a whole pytree: names, types, shapes and bits of all its leaves."""
    found = digests(words(named(state)))
    text = "".join(f"{name} {digest}\n" for name, digest in sorted(found.items()))
    return hashlib.sha256(text.encode()).hexdigest()


def named(state: Any) -> Leaves:
    """Name every leaf by its path, in the order of the tree."""
    return {
        jax.tree_util.keystr(path, simple=True, separator="."): leaf
        for path, leaf in jax.tree_util.tree_leaves_with_path(state)
    }


def _is_key(leaf: Any) -> bool:
    return isinstance(leaf, jax.Array) and jax.numpy.issubdtype(
        leaf.dtype, jax.dtypes.prng_key
    )


def words(leaves: Leaves) -> Leaves:
    """Replace PRNG keys by their words."""
    return {
        name: jax.random.key_data(leaf) if _is_key(leaf) else leaf
        for name, leaf in leaves.items()
    }


def fill(like: Any, arrays: Mapping[str, Any]) -> Any:
    """Build a tree like another one of arrays by name, keys from their words."""

    def one(array: Any, leaf: jax.Array) -> Any:
        if not _is_key(leaf):
            return array
        return jax.random.wrap_key_data(array, impl=jax.random.key_impl(leaf))

    leaves = [one(arrays[name], leaf) for name, leaf in named(like).items()]
    return jax.tree.unflatten(jax.tree.structure(like), leaves)


def implementations(leaves: Leaves) -> dict[str, str]:
    """Name the implementation of every PRNG key."""
    return {
        name: str(jax.random.key_impl(leaf))
        for name, leaf in leaves.items()
        if _is_key(leaf)
    }


def digests(arrays: Leaves) -> dict[str, str]:
    """Give type, shape and digest of every array, in one word and another."""

    def digest(array: jax.Array | np.ndarray) -> str:
        data = np.asarray(array).tobytes()
        return f"{kind(array)} {hashlib.sha256(data).hexdigest()}"

    return {name: digest(array) for name, array in arrays.items()}


def kind(array: jax.Array | np.ndarray) -> str:
    """Write type and shape."""
    return f"{array.dtype}[{','.join(map(str, array.shape))}]"
