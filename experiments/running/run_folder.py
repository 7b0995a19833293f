"""The output folder of a run: opening and locking it, and its JSON files."""

import fcntl
import json
import math
import os
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from experiments.running import hosts, record
from experiments.running.errors import UsageError
from experiments.running.options import OutputOptions

LOCK = ".lock"
CONFIG = "config.json"
UNFINISHED = {LOCK, f".{CONFIG}.tmp"}
"""Files that a process leaves if it is killed before its record is written."""


def begin(
    experiment: str,
    options: OutputOptions,
    what: str,
    dataset: str,
    arrays: Any,
    *,
    generator: Any = None,
    resume: bool = False,
    may_change: Iterable[str] = record.SURROUNDINGS,
) -> Path:
    """Open the folder of a run, and write its `config.json`.

    Args:
        experiment: name of the command.
        options: its flags.
        what: without `--out` the folder is runs/<experiment>-<what>-<seed>.
        dataset: name of the data.
        arrays: the data; their digest is recorded.
        generator: a `FinishedGenerator` that the run studies; the digest of its weights
            is recorded. None if it studies none.
        resume: whether to continue the run that is in the folder.
        may_change: keys of `config.json` that may differ on resuming.

    Returns:
        The folder.

    Raises:
        UsageError: as `open_run_folder` raises it.
    """
    out = options.out or Path("runs") / f"{experiment}-{what}-{options.seed}"
    open_run_folder(
        out,
        record.record(experiment, options, dataset, arrays, generator),
        resume=resume,
        overwrite=options.overwrite,
        may_change=may_change,
    )
    return out


def open_run_folder(
    folder: Path,
    config: Mapping[str, Any],
    *,
    resume: bool,
    overwrite: bool,
    may_change: Iterable[str] = (),
) -> None:
    """Open a folder for a run, and write `config.json` into it.

    The folder is locked until this process ends.

    Args:
        folder: made if it does not exist.
        config: record of the run, as JSON.
        resume: whether to continue the run that is in the folder, whose record must be
            the same.
        overwrite: whether to delete the run that is in the folder.
        may_change: keys of `config` that may differ on resuming.

    Raises:
        UsageError: if the folder is a file, holds something else, is not writable, or
            is in use by another process; if `resume` and `overwrite` do not fit what
            is in it; or if the processes of one run were started with other flags.
    """
    if resume and overwrite:
        raise UsageError("--resume and --overwrite exclude each other")
    if hosts.is_first():
        _open(folder, config, resume, overwrite, set(may_change))
    else:
        write_json(folder / CONFIG, config)
    _require_alike(config)


def _open(
    folder: Path,
    config: Mapping[str, Any],
    resume: bool,
    overwrite: bool,
    may_change: set[str],
) -> None:
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"--out {folder} is a file, not a folder")
    record = folder / CONFIG
    there = {p.name for p in folder.iterdir()} if folder.exists() else set()
    if there - UNFINISHED and not record.exists():
        raise UsageError(f"--out {folder} holds other files, and no run")
    if resume:
        _check_same(record, config, may_change)
    elif record.exists() and not overwrite:
        raise UsageError(
            f"--out {folder} already holds a run: add --resume or --overwrite"
        )
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _lock(folder)
        if overwrite:
            _empty(folder)
        write_json(record, config)
    except OSError as error:
        raise UsageError(f"--out {folder} is not writable: {error.strerror}") from error


def _require_alike(config: Mapping[str, Any]) -> None:
    """Raise a `UsageError` if the first process has another record."""
    first = json.loads(hosts.from_first(json.dumps(config).encode()))
    now = json.loads(json.dumps(config))
    differing = {key for key in now if first.get(key) != now[key]} - {
        *record.SURROUNDINGS
    }
    if differing:
        raise UsageError(
            f"process 0 has other values for {', '.join(sorted(differing))}"
        )


def _lock(folder: Path) -> None:
    # The descriptor is never closed: the system frees the lock when the process ends.
    descriptor = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = os.read(descriptor, 100).decode(errors="replace").strip()
        os.close(descriptor)
        if holder != str(os.getpid()):
            raise UsageError(
                f"--out {folder} is in use by process {holder or 'unknown'}"
            ) from None
    else:
        os.ftruncate(descriptor, 0)
        os.write(descriptor, f"{os.getpid()}\n".encode())


def _empty(folder: Path) -> None:
    # The record goes last: until then the folder is still that of a run.
    for path in sorted(folder.iterdir(), key=lambda path: path.name == CONFIG):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        elif path.name != LOCK:
            path.unlink()


def _check_same(record: Path, config: Mapping[str, Any], may_change: set[str]) -> None:
    try:
        before = json.loads(record.read_text())
        if not isinstance(before, dict):
            raise ValueError("no JSON object")
    except FileNotFoundError:
        raise UsageError(f"--resume: there is no run in {record.parent}") from None
    except (OSError, ValueError, RecursionError) as error:
        raise UsageError(f"--resume: {record} is unreadable: {error}") from error
    now = json.loads(json.dumps(config))
    differing = [
        f"{key} was {before.get(key)!r}, is {now.get(key)!r}"
        for key in sorted(before.keys() | now.keys())
        if before.get(key) != now.get(key) and key not in may_change
    ]
    if differing:
        raise UsageError(f"--resume: the configuration differs: {'; '.join(differing)}")


def write_json(path: Path, content: Any) -> None:
    """Write a JSON file; numbers that are not finite become null.

    The file is replaced when the new one is complete.
    """
    text = json.dumps(finite(content), indent=2, allow_nan=False)
    _replace(path, text + "\n")


def write_rows(path: Path, rows: Iterable[Mapping[str, Any]]) -> None:
    """Write a file of one JSON object a line, replaced when it is complete."""
    _replace(path, rows_text(rows))


def _replace(path: Path, text: str) -> None:
    temporary = path.with_name(f".{path.name}.tmp")
    temporary.write_text(text)
    os.replace(temporary, path)


def rows_text(rows: Iterable[Mapping[str, Any]]) -> str:
    """Return one JSON object a line; numbers that are not finite become null."""
    return "".join(json.dumps(finite(row), allow_nan=False) + "\n" for row in rows)


def parse_rows(text: str) -> list[dict[str, Any]]:
    """Return the objects that `rows_text` wrote."""
    return [json.loads(line) for line in text.splitlines()]


def finite(content: Any) -> Any:
    """Return JSON content with None in place of numbers that are not finite."""
    if isinstance(content, Mapping):
        return {key: finite(value) for key, value in content.items()}
    if isinstance(content, list | tuple):
        return [finite(value) for value in content]
    if isinstance(content, float) and not math.isfinite(content):
        return None
    return content
