"""Runs of several processes: all compute the same, and the first one writes.

Their devices share the work (`jaxgan.parallel`); everything outside compiled programs
is done by every process, on equal inputs. What only the first process has, such as the
content of a file, it sends to the others.
"""

import atexit
import dataclasses
import os
import shutil
import sys
import tempfile
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

import jax
import numpy as np
from jax.experimental import multihost_utils

from experiments.running import supervision
from experiments.running.errors import Interrupted, UsageError
from experiments.running.options import HostOptions
from jaxgan.errors import first_line
from jaxgan.storage import seals

CONNECTED_WITHIN = 60
HEARTBEAT = 10
SHUTDOWN = 120
"""Seconds that JAX waits: for all processes, for a sign of life, and at the end."""
LOST = ("Gloo", "UNAVAILABLE", "ABORTED", "coordination service", "CoordinationService")
"""Words in the errors that JAX raises when another process is lost."""

Options = TypeVar("Options", bound=HostOptions)


def join(options: Options) -> Options:
    """Connect the processes of a run, by its flags or as a cluster's launcher says.

    Returns:
        The options of this process. Only the first one writes into `--out` and prints;
        the others write into a temporary folder, and what they print is dropped.

    Raises:
        Interrupted: if the other processes are not there within a minute.
        UsageError: if JAX does not find them by itself.
    """
    try:
        with warnings.catch_warnings(action="ignore"):  # of clusters, in many lines
            jax.distributed.initialize(
                options.coordinator,
                options.num_processes,
                options.process_id,
                initialization_timeout=CONNECTED_WITHIN,
                heartbeat_timeout_seconds=HEARTBEAT,
                shutdown_timeout_seconds=SHUTDOWN,
            )
    except jax.errors.JaxRuntimeError as error:
        raise Interrupted(f"{supervision.NOT_MET} ({first_line(error)})") from error
    except (ValueError, KeyError, RuntimeError) as error:
        raise UsageError(
            f"JAX finds no cluster here ({first_line(error)}): give --coordinator, "
            "--num-processes and --process-id, or --num-processes 1 for this process "
            "alone"
        ) from error
    supervision.note_met()
    if is_first():
        return options
    nowhere = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115  (to the end)
    sys.stdout = nowhere
    folder = tempfile.mkdtemp(prefix=f"jaxgan-process-{jax.process_index()}-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return dataclasses.replace(options, out=Path(folder))


def is_first() -> bool:
    """Return whether this process is the one that reads and writes the run's folder."""
    return jax.process_index() == 0


def is_lost(error: Exception) -> bool:
    """Return whether an error means that another process of the run is lost."""
    return jax.process_count() > 1 and any(word in str(error) for word in LOST)


def any_process(holds: bool) -> bool:
    """Return, in every process, whether a condition holds in any of them."""
    if jax.process_count() == 1:
        return holds
    return bool(multihost_utils.process_allgather(np.array(holds)).any())


def from_first(content: bytes) -> bytes:
    """Return, in every process, the bytes that the first one passed."""
    if jax.process_count() == 1:
        return content
    own = np.frombuffer(content, np.uint8)
    (size,) = multihost_utils.broadcast_one_to_all(np.array([own.size], np.int32))
    sent = own if is_first() else np.zeros(size, np.uint8)
    return bytes(np.asarray(multihost_utils.broadcast_one_to_all(sent)))


def arrays_from_first(arrays: Mapping[str, Any]) -> dict[str, Any]:
    """Return, in every process, exactly the arrays that the first one passed."""
    if jax.process_count() == 1:
        return dict(arrays)
    return seals.open_arrays(
        from_first(seals.seal_arrays(arrays) if is_first() else b"")
    )
