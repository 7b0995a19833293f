"""How long a run has taken, over all the processes that worked on it.

`duration.json` holds the seconds of earlier processes, and is written when a process
begins: its time of writing is when that was. A process that was killed has worked
until the newest of the run's files was written.
"""

import json
import time
from collections.abc import Iterable
from pathlib import Path

FILE = "duration.json"


def begin(folder: Path, written: Iterable[Path]) -> None:
    """Start the clock of a process, after the time that earlier ones took.

    Args:
        folder: of the run.
        written: what earlier processes wrote in it; nothing for a new run.
    """
    path = folder / FILE
    before = 0.0
    if path.exists():
        worked = [file.stat().st_mtime for file in written] or [0.0]
        before = _earlier(path) + max(0.0, max(worked) - path.stat().st_mtime)
    path.write_text(json.dumps({"seconds_before": before}) + "\n", encoding="utf-8")


def elapsed(folder: Path) -> float:
    """Return the seconds that the run has taken until now, compiling included.

    They are not known, and NaN, if the folder was cleaned away in the meantime.
    """
    path = folder / FILE
    try:
        began = path.stat().st_mtime
    except OSError:
        return float("nan")
    return _earlier(path) + max(0.0, time.time() - began)


def _earlier(path: Path) -> float:
    """Return the seconds of earlier processes; 0 if the file is damaged."""
    try:
        return float(json.loads(path.read_text(encoding="utf-8"))["seconds_before"])
    except (ValueError, KeyError, TypeError):
        return 0.0
