"""A process of several, watched by a parent that says in one line how it was lost.

When one process of a run goes, JAX ends the others by an abort, with no chance to say
anything. Imports nothing heavy.
"""

import os
import signal
import subprocess
import sys
import tempfile
import threading

RESUMABLE = 75
SIGNALS = (signal.SIGINT, signal.SIGTERM)
LOG = "JAXGAN_PROCESS_LOG"
MET = "all processes have met\n"


def is_watched() -> bool:
    """Say whether a parent watches this process."""
    return LOG in os.environ


def watch() -> int:
    """Run this command in a child, and return the exit code to leave with."""
    descriptor, log = tempfile.mkstemp(prefix="jaxgan-", suffix=".log")
    os.close(descriptor)
    child = subprocess.Popen(
        [sys.executable, *sys.orig_argv[1:]],
        env={**os.environ, LOG: log},
        stdin=subprocess.PIPE,
        start_new_session=True,  # The terminal's signals come once: from here.
    )
    for number in SIGNALS:
        signal.signal(number, lambda number, _: child.send_signal(number))
    code = child.wait()
    if code >= 0 or -code in SIGNALS:
        os.unlink(log)
        return code if code >= 0 else 128 - code
    with open(log, errors="replace") as file:
        met = MET in file
    what = (
        "this process or another one of the run was lost; what was saved is intact, go "
        "on with --resume"
        if met
        else "the processes of the run did not meet; start all of them within a minute"
    )
    print(f"{what} (what JAX said is in {log})", file=sys.stderr)
    return RESUMABLE


def be_watched() -> None:
    """Leave when the parent does, and send what C++ says to the log."""
    threading.Thread(target=_leave_with_parent, daemon=True).start()
    said = os.dup(2)
    log = os.open(os.environ[LOG], os.O_WRONLY | os.O_APPEND)
    os.dup2(log, 2)
    sys.stderr = os.fdopen(said, "w", buffering=1)


def note_met() -> None:
    """Tell the parent that the processes are connected."""
    with open(os.environ[LOG], "a") as file:
        file.write(MET)


def _leave_with_parent() -> None:
    while os.read(0, 1):
        pass
    os._exit(RESUMABLE)
