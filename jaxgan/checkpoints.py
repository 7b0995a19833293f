"""The one place that reads and writes model files.

A checkpoint is an Orbax step folder with the arrays of a state and, beside them, a
SHA-256 digest of every leaf: Orbax itself does not notice a flipped bit.
"""

import hashlib
import logging
from pathlib import Path
from typing import Any, TypeVar

import jax
import numpy as np
import orbax.checkpoint as ocp

logging.getLogger("absl").setLevel(logging.ERROR)

S = TypeVar("S")


class CheckpointError(Exception):
    """A checkpoint is missing, unreadable, or not what was saved."""


def sha256(state: Any) -> str:
    """Digest of a whole pytree: names, types, shapes and bits of all its leaves."""
    digests = _digests(_arrays(state))
    text = "".join(f"{name} {digest}\n" for name, digest in sorted(digests.items()))
    return hashlib.sha256(text.encode()).hexdigest()


def save(folder: Path, step: int, state: Any) -> None:
    """Write one checkpoint and return when it is on disk; the latest three are kept.

    Args:
        folder: holds the checkpoints of one run; made if needed.
        step: must be newer than every step already there.
        state: a pytree of arrays and PRNG keys.

    Raises:
        CheckpointError: if nothing was written.
    """
    arrays = _arrays(state)
    items = ocp.args.Composite(
        state=ocp.args.StandardSave(arrays),  # pyright: ignore
        digests=ocp.args.JsonSave(_digests(arrays)),  # pyright: ignore
    )
    try:
        with _manager(folder) as manager:
            saved = manager.save(step, args=items)
    except (OSError, ValueError) as error:
        raise CheckpointError(
            f"{folder}: step {step} not saved: {_line(error)}"
        ) from error
    if not saved:
        raise CheckpointError(f"{folder}: step {step} not saved: not the newest step")


def restore(folder: Path, like: S) -> tuple[int, S] | None:
    """Read the newest checkpoint and check every bit of it; None if there is none.

    Args:
        folder: as given to `save`.
        like: a state of the same structure, shapes and dtypes.

    Returns:
        The step and the state.

    Raises:
        CheckpointError: if the newest checkpoint is unreadable, differs in structure
            from `like`, or holds a leaf that is not what was saved.
    """
    if not folder.is_dir():
        return None
    arrays = _arrays(like)
    step = None
    try:
        with _manager(folder) as manager:
            step = manager.latest_step()
            if step is None:
                return None
            only = ocp.args.Composite(digests=ocp.args.JsonRestore())
            saved = manager.restore(step, args=only)["digests"]
            # Before any array is read: Orbax would cast another dtype in silence.
            _require_same_kind(saved, arrays)
            only = ocp.args.Composite(
                state=ocp.args.StandardRestore(arrays)  # pyright: ignore
            )
            restored = manager.restore(step, args=only)["state"]
        wrong = [k for k, v in _digests(restored).items() if saved[k] != v]
        if wrong:
            raise ValueError(f"corrupt: {', '.join(wrong)}")
    except Exception as error:  # Orbax and TensorStore raise many kinds
        raise CheckpointError(
            f"{folder}: step {step} unusable: {_line(error)}"
        ) from error
    return step, _with_keys(restored, like)


def _require_same_kind(saved: dict[str, str], arrays: dict[str, jax.Array]) -> None:
    """Compare names, types and shapes of what was saved with what is expected."""
    found = {name: digest.split()[0] for name, digest in saved.items()}
    expected = {name: _kind(array) for name, array in arrays.items()}
    differing = [
        f"{name} is {found.get(name)}, expected {expected.get(name)}"
        for name in sorted(found.keys() | expected.keys())
        if found.get(name) != expected.get(name)
    ]
    if differing:
        raise ValueError("; ".join(differing))


def _manager(folder: Path) -> ocp.CheckpointManager:
    # Asynchronous saving would lose the save in flight when the process is killed.
    options = ocp.CheckpointManagerOptions(
        max_to_keep=3, enable_async_checkpointing=False
    )
    return ocp.CheckpointManager(folder.absolute(), options=options)


def _line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0][:200]


def _is_key(leaf: Any) -> bool:
    return isinstance(leaf, jax.Array) and jax.numpy.issubdtype(
        leaf.dtype, jax.dtypes.prng_key
    )


def _arrays(state: Any) -> dict[str, jax.Array]:
    """Name every leaf by its path; PRNG keys become their raw words."""
    leaves = jax.tree_util.tree_leaves_with_path(state)
    return {
        jax.tree_util.keystr(path, simple=True, separator="."): (
            jax.random.key_data(leaf) if _is_key(leaf) else leaf
        )
        for path, leaf in leaves
    }


def _with_keys(arrays: dict[str, jax.Array], like: S) -> S:
    """Undo `_arrays`, with structure and key implementation taken from `like`."""
    leaves = [
        jax.random.wrap_key_data(array, impl=jax.random.key_impl(leaf))
        if _is_key(leaf)
        else array
        for array, leaf in zip(
            (arrays[name] for name in _arrays(like)), jax.tree.leaves(like), strict=True
        )
    ]
    return jax.tree.unflatten(jax.tree.structure(like), leaves)


def _digests(arrays: dict[str, jax.Array]) -> dict[str, str]:
    def digest(array: jax.Array) -> str:
        data = np.asarray(array).tobytes()
        return f"{_kind(array)} {hashlib.sha256(data).hexdigest()}"

    return {name: digest(array) for name, array in arrays.items()}


def _kind(array: jax.Array) -> str:
    return f"{array.dtype}[{','.join(map(str, array.shape))}]"
