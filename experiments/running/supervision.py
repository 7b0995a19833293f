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
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""Those that ask to stop: of a user, of a system, of a terminal that was closed."""
LAUNCHERS = (
    (
        "SLURM_NTASKS",
        ("SLURM_JOB_ID", "SLURM_STEP_NODELIST", "SLURM_PROCID", "SLURM_LOCALID"),
    ),
    ("OMPI_COMM_WORLD_SIZE", ("OMPI_COMM_WORLD_RANK",)),
)
"""The variable with the number of processes that srun or mpirun has started, and others
that are there if it has started this one: in a batch script they are not."""
LOG = "JAXGAN_PROCESS_LOG"
"""Environment variable by which the parent names the file for JAX's messages."""
MET = "all processes have met\n"
NOT_MET = (
    "the processes of the run did not meet; start all of them within a minute, or this "
    "one alone with --num-processes 1"
)


def launched() -> int:
    """Return how many processes a launcher says it has started with this one; else 1.

    Only launchers are asked that JAX knows and that say it by themselves: srun, mpirun
    of Open MPI, and the hosts of a TPU slice. Of Kubernetes nothing is known for sure.
    """
    for count, others in LAUNCHERS:
        number = os.environ.get(count, "")
        if number.isdigit() and all(name in os.environ for name in others):
            return int(number)
    hosts = os.environ.get("TPU_WORKER_HOSTNAMES", "")
    return len(hosts.split(","))


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
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, lambda number, _: child.send_signal(number))
    code = child.wait()
    if child.stdin is not None:
        child.stdin.close()
    if code >= 0 or -code in SIGNALS:
        os.unlink(log)
        return code if code >= 0 else 128 - code
    with open(log, encoding="utf-8", errors="replace") as file:
        met = MET in file
    reason = (
        "this process or another one of the run was lost; what was saved is intact, go "
        "on with --resume"
        if met
        else NOT_MET
    )
    print(f"{reason} (the messages of JAX are in {log})", file=sys.stderr)
    return RESUMABLE


def be_watched() -> None:
    """End when the parent ends, and send what C++ writes to stderr to the log."""
    threading.Thread(target=_leave_with_parent, daemon=True).start()
    stderr = os.dup(2)
    log = os.open(os.environ[LOG], os.O_WRONLY | os.O_APPEND)
    os.dup2(log, 2)
    sys.stderr = os.fdopen(
        stderr, "w", buffering=1, encoding="utf-8", errors="backslashreplace"
    )


def note_met() -> None:
    """Note for the parent that the processes are connected."""
    with open(os.environ[LOG], "a", encoding="utf-8") as file:
        file.write(MET)


def _leave_with_parent() -> None:
    while os.read(0, 1):
        pass
    os._exit(RESUMABLE)
