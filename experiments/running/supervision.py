"""A parent for each process of a run of several, which reports how it was lost.

When one process of a run is lost, JAX aborts the others: they cannot print a line of
their own. Imports nothing heavy.
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
"""Environment variable by which the parent names the file for JAX's messages."""
MET = "all processes have met\n"


def is_watched() -> bool:
    """Return whether a parent watches this process."""
    return LOG in os.environ


def watch() -> int:
    """Run this command again in a child, and return the exit code to end with."""
    descriptor, log = tempfile.mkstemp(prefix="jaxgan-", suffix=".log")
    os.close(descriptor)
    child = subprocess.Popen(
        [sys.executable, *sys.orig_argv[1:]],
        env={**os.environ, LOG: log},
        stdin=subprocess.PIPE,
        start_new_session=True,  # A signal of the terminal comes once: from here.
    )
    for number in SIGNALS:
        signal.signal(number, lambda number, _: child.send_signal(number))
    code = child.wait()
    if child.stdin is not None:
        child.stdin.close()
    if code >= 0 or -code in SIGNALS:
        os.unlink(log)
        return code if code >= 0 else 128 - code
    with open(log, errors="replace") as file:
        met = MET in file
    reason = (
        "this process or another one of the run was lost; what was saved is intact, go "
        "on with --resume"
        if met
        else "the processes of the run did not meet; start all of them within a minute"
    )
    print(f"{reason} (the messages of JAX are in {log})", file=sys.stderr)
    return RESUMABLE


def be_watched() -> None:
    """End when the parent ends, and send what C++ writes to stderr to the log."""
    threading.Thread(target=_leave_with_parent, daemon=True).start()
    stderr = os.dup(2)
    log = os.open(os.environ[LOG], os.O_WRONLY | os.O_APPEND)
    os.dup2(log, 2)
    sys.stderr = os.fdopen(stderr, "w", buffering=1)


def note_met() -> None:
    """Note for the parent that the processes are connected."""
    with open(os.environ[LOG], "a") as file:
        file.write(MET)


def _leave_with_parent() -> None:
    while os.read(0, 1):
        pass
    os._exit(RESUMABLE)
