"""The folder that a run writes into: who may use it, and the JSON files in it."""

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
"""What a process that was killed at its very start may leave."""


def begin(
    experiment: str,
    options: OutputOptions,
    what: str,
    dataset: str,
    arrays: Any,
    *,
    resume: bool = False,
    may_change: Iterable[str] = record.SURROUNDINGS,
) -> Path:
    """Make the folder of a run ready, with its `config.json`.

    Args:
        experiment: its name.
        options: its flags.
        what: names the folder, runs/<experiment>-<what>-<seed>, where `--out` does not.
        dataset: the name of what was loaded.
        arrays: what was loaded.
        resume: go on with the run that is there.
        may_change: keys of `config.json` that may differ on resuming.

    Returns:
        The folder.

    Raises:
        UsageError: as `open_run_folder`.
    """
    out = options.out or Path("runs") / f"{experiment}-{what}-{options.seed}"
    open_run_folder(
        out,
        record.record(experiment, options, dataset, arrays),
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
    """Make `folder` ready and write `config.json` into it.

    Args:
        folder: made if it does not exist.
        config: what the run is, as JSON.
        resume: go on with the run that is there; its configuration must be the same.
        overwrite: delete the run that is there.
        may_change: keys of `config` that may differ on resuming.

    It is this process's until it ends: a lock that the system lets go then.

    Raises:
        UsageError: if the folder is in the way, not writable, another run's, or in use
            by another process; or if processes of one run were started differently.
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
    """Compare with the first process what must not differ in one run."""
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
    # Never closed: the descriptor, and with it the lock, lasts as long as the process.
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
    # The configuration last: until then it is still a run.
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
        raise UsageError(f"--resume: another configuration: {'; '.join(differing)}")


def write_json(path: Path, content: Any) -> None:
    """Replace a JSON file at one stroke; numbers that are not finite become null."""
    text = json.dumps(finite(content), indent=2, allow_nan=False)
    _replace(path, text + "\n")


def write_rows(path: Path, rows: Iterable[Mapping[str, Any]]) -> None:
    """Replace a file of one JSON object a line at one stroke."""
    _replace(path, rows_text(rows))


def _replace(path: Path, text: str) -> None:
    temporary = path.with_name(f".{path.name}.tmp")
    temporary.write_text(text)
    os.replace(temporary, path)


def rows_text(rows: Iterable[Mapping[str, Any]]) -> str:
    """Write one JSON object a line; numbers that are not finite become null."""
    return "".join(json.dumps(finite(row), allow_nan=False) + "\n" for row in rows)


def parse_rows(text: str) -> list[dict[str, Any]]:
    """Read what `rows_text` wrote."""
    return [json.loads(line) for line in text.splitlines()]


def finite(content: Any) -> Any:
    """Replace numbers that are not finite by None."""
    if isinstance(content, Mapping):
        return {key: finite(value) for key, value in content.items()}
    if isinstance(content, list | tuple):
        return [finite(value) for value in content]
    if isinstance(content, float) and not math.isfinite(content):
        return None
    return content
