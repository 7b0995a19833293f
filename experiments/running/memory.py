"""Whether arrays fit into memory: where they do not, Linux ends a process unheard."""

import math
import os
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp

LIMIT = Path("/sys/fs/cgroup/memory.max")
"""File with the limit of a container on Linux; `max` if there is none."""


def require(shapes: Any) -> None:
    """Raise a `MemoryError` if arrays have no room on the first device.

    Args:
        shapes: a tree of arrays or of their shapes, as `jax.eval_shape` returns it.
    """
    size = sum(_bytes(leaf) for leaf in jax.tree.leaves(shapes))
    room = _room()
    if room is not None and size > room:
        raise MemoryError(f"{size} bytes of {room}")


def _bytes(leaf: Any) -> int:
    if jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key):
        return 0
    return math.prod(leaf.shape) * leaf.dtype.itemsize


def _room() -> int | None:
    """Return the bytes of memory of the first device; None if they are not known."""
    device = jax.local_devices()[0]
    if device.platform != "cpu":
        return (device.memory_stats() or {}).get("bytes_limit")
    if "SC_PHYS_PAGES" not in os.sysconf_names:
        return None
    physical = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    try:
        return min(physical, int(LIMIT.read_text(encoding="ascii")))
    except (OSError, ValueError):  # no such file, or no limit
        return physical
