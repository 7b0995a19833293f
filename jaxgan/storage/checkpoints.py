"""Checkpoints: states of training runs as files, from which a run goes on.

A checkpoint is an Orbax step folder with the arrays of a state and, beside them, a
manifest with the SHA-256 digest of every file, of every leaf and of itself: Orbax does
not notice a flipped bit. An empty file `.saving-<step>` is there from the beginning of
a save to its end, which tells an unfinished checkpoint from a damaged one.
"""

import errno
import hashlib
import math
import os
import shutil
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np

from jaxgan.errors import CheckpointError, first_line, is_out_of_memory
from jaxgan.storage.digests import (
    Leaves,
    as_arrays,
    digests,
    dtype_and_shape,
    fill,
    key_implementations,
    named,
)
from jaxgan.storage.retention import LOSS, manager_of, orbax
from jaxgan.storage.seals import open_json, seal_json, write

FORMAT = 2
MANIFEST = "manifest.json"
MARGIN = 1 << 20
"""Bytes of free space that a save needs beside the arrays and the log."""
SAVING = ".saving-"
NOT_FALLOCATED = (errno.EOPNOTSUPP, errno.EINVAL, errno.ENOSYS)
"""Errors of file systems that cannot reserve space."""


class Restored(NamedTuple):
    """The newest usable checkpoint of a folder.

    Attributes:
        step: of the state.
        state: with every bit as it was saved.
        log: the text that was saved with it.
        damaged: one line for each newer checkpoint that was not usable; these are
            renamed to `corrupt-<step>`.
    """

    step: int
    state: Any
    log: str
    damaged: tuple[str, ...]


class _Unlike(Exception):
    """A checkpoint is sound, but of another state or format than was asked for."""


def save_state(
    folder: str | Path,
    step: int,
    state: Any,
    *,
    log: str = "",
    loss: float | None = None,
) -> None:
    """Write one checkpoint, and return when it is on disk.

    The latest three are kept, and the one with the smallest finite loss.

    Args:
        folder: holds the checkpoints of one run; made if needed.
        step: must be larger than every step already there.
        state: a pytree of arrays and PRNG keys.
        log: text that is saved with the state, such as the metrics until then.
        loss: a number to compare states by, if there is one; smaller is better.

    Raises:
        CheckpointError: if it cannot be written; older checkpoints are unchanged.
        MissingExtraError: if Orbax is not installed.
    """
    ocp = orbax()
    folder = Path(folder)
    leaves = named(state)
    arrays = jax.tree.map(np.asarray, as_arrays(leaves))
    known = loss is not None and math.isfinite(loss)
    try:
        size = len(log.encode()) + sum(array.nbytes for array in arrays.values())
        _require_space(folder, MARGIN + size)
        mark = folder / f"{SAVING}{step}"
        mark.touch()
        with manager_of(folder) as manager:
            saved = manager.save(
                step,
                args=ocp.args.StandardSave(arrays),
                metrics={LOSS: loss} if known else None,
            )
        if not saved:
            raise ValueError("not the newest step")
        _write_manifest(folder / str(step), arrays, leaves, log)
        mark.unlink()
    except Exception as error:  # Orbax and TensorStore raise many kinds
        if is_out_of_memory(error):
            raise
        raise CheckpointError(
            f"{folder}: step {step} not saved: {first_line(error)}"
        ) from error


def _require_space(folder: Path, size: int) -> None:
    """Raise an `OSError` before Orbax, whose threads go on after a failed write."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=folder) as file:
        if hasattr(os, "posix_fallocate"):
            try:
                os.posix_fallocate(file.fileno(), 0, size)
            except OSError as error:
                if error.errno not in NOT_FALLOCATED:
                    raise
            else:
                return
        # macOS has no such function, and some file systems refuse it.
        file.write(bytes(size))
        file.flush()


def _write_manifest(folder: Path, arrays: Leaves, leaves: Leaves, log: str) -> None:
    manifest = {
        "format": FORMAT,
        "leaves": digests(arrays),
        "keys": key_implementations(leaves),
        "files": _file_digests(folder),
        "log": log,
    }
    write(folder, {MANIFEST: seal_json(manifest)})


def _file_digests(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and MANIFEST not in path.name
    }


def restore_state(folder: str | Path, like: Any) -> Restored | None:
    """Return the newest sound checkpoint, every bit of it checked; None without any.

    What an interrupted save left is removed.

    Args:
        folder: as given to `save_state`.
        like: a state of the same structure, shapes, dtypes and key implementations.

    Raises:
        CheckpointError: if the newest sound checkpoint is of another kind of state or
            another format, or if there are checkpoints but none is sound.
        MissingExtraError: if Orbax is not installed.
    """
    orbax()
    folder = Path(folder)
    _remove_unfinished(folder)
    steps = sorted(int(p.name) for p in _folders(folder) if p.name.isdigit())
    damaged: list[str] = []
    for step in reversed(steps):
        try:
            return Restored(step, *_read(folder, step, like), tuple(damaged))
        except _Unlike as error:
            raise CheckpointError(f"{folder}: step {step} unusable: {error}") from error
        except Exception as error:  # Orbax and TensorStore raise many kinds
            if is_out_of_memory(error):
                raise
            damaged.append(f"{folder}: step {step} unusable: {first_line(error)}")
            _set_aside(folder, step)
    if damaged or any(p.name.startswith("corrupt-") for p in _folders(folder)):
        raise CheckpointError("; ".join([*damaged, f"{folder}: nothing else is there"]))
    return None


def _folders(folder: Path) -> list[Path]:
    return [p for p in folder.iterdir() if p.is_dir()] if folder.is_dir() else []


def _remove_unfinished(folder: Path) -> None:
    for path in folder.glob("*.orbax-checkpoint-tmp*"):
        shutil.rmtree(path, ignore_errors=True)
    for mark in folder.glob(f"{SAVING}*"):
        step = folder / mark.name.removeprefix(SAVING)
        if not (step / MANIFEST).exists():
            shutil.rmtree(step, ignore_errors=True)
        mark.unlink(missing_ok=True)


def _set_aside(folder: Path, step: int) -> None:
    taken = [p.name for p in _folders(folder)]
    name = f"corrupt-{step}"
    while name in taken:
        name += "-again"
    try:
        (folder / str(step)).rename(folder / name)
    except OSError as error:
        raise CheckpointError(
            f"{folder}: step {step} is corrupt and cannot be renamed: "
            f"{first_line(error)}"
        ) from error


def _read(folder: Path, step: int, like: Any) -> tuple[Any, str]:
    leaves = named(like)
    arrays = jax.tree.map(np.asarray, as_arrays(leaves))
    manifest = _manifest(folder / str(step) / MANIFEST)
    files = _file_digests(folder / str(step))
    wrong = [f for f, digest in manifest["files"].items() if files.get(f) != digest]
    if wrong:
        raise ValueError(f"corrupt: {', '.join(wrong)}")
    if manifest["format"] != FORMAT:
        raise _Unlike(f"format is {manifest['format']!r}, expected {FORMAT}")
    # Before any array is read: Orbax would cast another dtype in silence.
    found = {name: text.split()[0] for name, text in manifest["leaves"].items()}
    expected = {name: dtype_and_shape(array) for name, array in arrays.items()}
    _require_same(found | manifest["keys"], expected | key_implementations(leaves))
    with manager_of(folder) as manager:
        only = orbax().args.StandardRestore(arrays)
        arrays = manager.restore(step, args=only)
    restored = digests(arrays)
    wrong = [name for name in restored if restored[name] != manifest["leaves"][name]]
    if wrong:
        raise ValueError(f"corrupt: {', '.join(wrong)}")
    return fill(like, arrays), manifest["log"]


def _manifest(path: Path) -> dict[str, Any]:
    try:
        return open_json(path.read_bytes())
    except FileNotFoundError:
        raise ValueError(f"no {path.name}") from None
    except ValueError as error:
        raise ValueError(f"corrupt: {path.name}: {error}") from error


def _require_same(found: dict[str, str], expected: dict[str, str]) -> None:
    """Raise `_Unlike` unless names, types, shapes and keys are the same."""
    differing = [
        f"{name} is {found.get(name)}, expected {expected.get(name)}"
        for name in sorted(found.keys() | expected.keys())
        if found.get(name) != expected.get(name)
    ]
    if differing:
        raise _Unlike("; ".join(differing))
