"""The output folder of a run: opening and locking it, and its JSON files."""

import errno
import fcntl
import json
import math
import os
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from experiments.reporting import page
from experiments.running import duration, hosts, record, written
from experiments.running.errors import UsageError
from experiments.running.options import OutputOptions

LOCK = ".lock"
CONFIG = written.RECORD
NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP)
"""Errors of file systems that have no locks."""
_held: set[tuple[int, int]] = set()
"""Lock files that this process holds, by device and inode: in containers that share a
folder, processes have the same numbers."""


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
    page.write(out, page.BEGUN)
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
        overwrite: whether to delete the run that is in the folder: the files that its
            command writes, and nothing else.
        may_change: keys of `config` that may differ on resuming.

    Raises:
        UsageError: if the folder is a file, holds a file that the run would replace
            and that is not of a run, is not writable, or is in use by another process;
            if `resume` and `overwrite` do not fit what is in it; or if the processes of
            one run were started with other flags.
    """
    if resume and overwrite:
        raise UsageError("--resume and --overwrite exclude each other")
    if hosts.is_first():
        try:
            _open(folder, config, resume, overwrite, set(may_change))
        except OSError as error:
            raise UsageError(
                f"--out {folder} is not writable: {error.strerror}"
            ) from error
    else:
        write_json(folder / CONFIG, config)
        if not (folder / duration.FILE).exists():
            duration.begin(folder, ())
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
    record, command = folder / CONFIG, config.get("experiment", "")
    before = written.run_in(folder)
    if resume:
        _check_same(record, config, may_change)
    elif before and not overwrite:
        raise UsageError(
            f"--out {folder} already holds a run: add --resume or --overwrite"
        )
    else:
        _require_room(folder, command, before)
    folder.mkdir(parents=True, exist_ok=True)
    _lock(folder)
    if before and overwrite:
        written.delete(before, folder)
    worked = written.files_of(command, folder) if resume else ()
    # The page of a run may have been made anew at any time.
    duration.begin(folder, [path for path in worked if path.name != page.NAME])
    write_json(record, config)


def _require_room(folder: Path, command: str, before: str | None) -> None:
    """Raise a `UsageError` if a run would replace what no run has written.

    Args:
        folder: of the run.
        command: the run's.
        before: the command whose run is in the folder and goes; None if there is none.
    """
    met = written.in_the_way(command, folder)
    if before:
        gone = written.files_of(before, folder)
        met = [path for path in met if path not in gone]
    if met:
        name = met[0].relative_to(folder)
        raise UsageError(
            f"--out {folder} holds {name}, which is not of a run and would be replaced"
        )


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
    found = os.fstat(descriptor)
    identity = found.st_dev, found.st_ino
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = os.read(descriptor, 100).decode(errors="replace").strip()
        os.close(descriptor)
        if identity not in _held:
            raise UsageError(
                f"--out {folder} is in use by process {holder or 'unknown'}"
            ) from None
    except OSError as error:
        if error.errno not in NO_LOCKS:
            raise
        print(
            f"warning: {folder} cannot be locked: {error.strerror}; start no second "
            "run in it",
            file=sys.stderr,
        )
    else:
        _held.add(identity)
        os.ftruncate(descriptor, 0)
        os.write(descriptor, f"{os.getpid()}\n".encode())


def _check_same(record: Path, config: Mapping[str, Any], may_change: set[str]) -> None:
    try:
        before = json.loads(record.read_text(encoding="utf-8"))
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
    temporary.write_text(text, encoding="utf-8")
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
