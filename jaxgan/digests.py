"""The leaves of a pytree by name, their bits as SHA-256 digests, PRNG keys included."""

import hashlib
from typing import Any, TypeAlias

import jax
import numpy as np

Leaves: TypeAlias = dict[str, jax.Array]
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


def like_keys(array: jax.Array, like: jax.Array) -> jax.Array:
    """Make words a PRNG key again where one is expected."""
    if not _is_key(like):
        return array
    return jax.random.wrap_key_data(array, impl=jax.random.key_impl(like))


def implementations(leaves: Leaves) -> dict[str, str]:
    """Name the implementation of every PRNG key."""
    return {
        name: str(jax.random.key_impl(leaf))
        for name, leaf in leaves.items()
        if _is_key(leaf)
    }


def digests(arrays: Leaves) -> dict[str, str]:
    """Give type, shape and digest of every array, in one word and another."""

    def digest(array: jax.Array) -> str:
        data = np.asarray(array).tobytes()
        return f"{kind(array)} {hashlib.sha256(data).hexdigest()}"

    return {name: digest(array) for name, array in arrays.items()}


def kind(array: jax.Array) -> str:
    """Write type and shape."""
    return f"{array.dtype}[{','.join(map(str, array.shape))}]"
