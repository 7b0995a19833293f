"""The folder that a run writes into: who may use it, and the JSON files in it."""

import json
import math
import os
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from experiments.command_line import UsageError


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

    Raises:
        UsageError: if the folder is in the way, not writable, or another run's.
    """
    if resume and overwrite:
        raise UsageError("--resume and --overwrite exclude each other")
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"--out {folder} is a file, not a folder")
    record = folder / "config.json"
    if resume:
        _check_same(record, config, set(may_change))
    elif folder.exists() and any(folder.iterdir()):
        if not record.exists():
            raise UsageError(f"--out {folder} holds other files, and no run")
        if not overwrite:
            raise UsageError(
                f"--out {folder} already holds a run: add --resume or --overwrite"
            )
        shutil.rmtree(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_json(record, config)
    except OSError as error:
        raise UsageError(f"--out {folder} is not writable: {error.strerror}") from error


def _check_same(record: Path, config: Mapping[str, Any], may_change: set[str]) -> None:
    try:
        before = json.loads(record.read_text())
    except FileNotFoundError:
        raise UsageError(f"--resume: there is no run in {record.parent}") from None
    except (OSError, ValueError) as error:
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
    text = json.dumps(_finite(content), indent=2, allow_nan=False)
    temporary = path.with_name(f".{path.name}.tmp")
    temporary.write_text(text + "\n")
    os.replace(temporary, path)


def append_row(path: Path, row: Mapping[str, Any]) -> None:
    """Add one JSON object as a line."""
    with path.open("a") as file:
        file.write(json.dumps(_finite(row), allow_nan=False) + "\n")


def keep_rows(path: Path, last_step: int) -> list[dict[str, Any]]:
    """Cut a metrics file back to the rows up to `last_step`, and return these."""
    rows = []
    if path.exists():
        for line in path.read_text().splitlines():
            try:
                row = json.loads(line)
            except ValueError:  # the line in flight when a process was killed
                break
            if row["step"] > last_step:
                break
            rows.append(row)
    temporary = path.with_name(f".{path.name}.tmp")
    temporary.write_text("".join(json.dumps(row) + "\n" for row in rows))
    os.replace(temporary, path)
    return rows


def _finite(content: Any) -> Any:
    if isinstance(content, Mapping):
        return {key: _finite(value) for key, value in content.items()}
    if isinstance(content, list | tuple):
        return [_finite(value) for value in content]
    if isinstance(content, float) and not math.isfinite(content):
        return None
    return content
