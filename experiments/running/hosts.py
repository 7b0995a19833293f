"""Runs of several processes: each does the same, and the first one writes.

On the devices they share the work (`jaxgan.parallel.devices`); on their hosts all of them do
everything, on equal inputs. What only the first one has, it tells the others.
"""

import atexit
import dataclasses
import os
import shutil
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

import jax
import numpy as np
from jax.experimental import multihost_utils

from experiments.running import supervision
from experiments.running.options import HostOptions
from jaxgan.storage import seals

CONNECTED_WITHIN = 60
HEARTBEAT = 10
SHUTDOWN = 120
LOST = ("Gloo", "UNAVAILABLE", "ABORTED", "coordination service", "CoordinationService")
"""What errors say when another process is no more."""

Options = TypeVar("Options", bound=HostOptions)


def join(options: Options) -> Options:
    """Connect the processes of a run, by its flags or as JAX detects a cluster.

    Returns:
        The options of this process: only the first one writes into `--out`; the others
        write to a folder of their own that nobody needs, and say nothing.
    """
    try:
        jax.distributed.initialize(
            options.coordinator,
            options.num_processes,
            options.process_id,
            initialization_timeout=CONNECTED_WITHIN,
            heartbeat_timeout_seconds=HEARTBEAT,
            shutdown_timeout_seconds=SHUTDOWN,
        )
    except ValueError:
        if options.coordinator:
            raise
        return options  # No cluster: one process.
    if supervision.is_watched():
        supervision.note_met()
    if is_first():
        return options
    sys.stdout = open(os.devnull, "w")  # noqa: SIM115  (until the process ends)
    folder = tempfile.mkdtemp(prefix=f"jaxgan-process-{jax.process_index()}-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return dataclasses.replace(options, out=Path(folder))


def is_first() -> bool:
    """Say whether this process reads and writes the run's folder."""
    return jax.process_index() == 0


def is_lost(error: Exception) -> bool:
    """Say whether an error means that another process has gone."""
    return jax.process_count() > 1 and any(word in str(error) for word in LOST)


def any_process(holds: bool) -> bool:
    """Say, in all processes alike, whether something holds in any of them."""
    if jax.process_count() == 1:
        return holds
    return bool(multihost_utils.process_allgather(np.array(holds)).any())


def from_first(content: bytes) -> bytes:
    """Give every process what the first one gave."""
    if jax.process_count() == 1:
        return content
    own = np.frombuffer(content, np.uint8)
    (size,) = multihost_utils.broadcast_one_to_all(np.array([own.size], np.int32))
    sent = own if is_first() else np.zeros(size, np.uint8)
    return bytes(np.asarray(multihost_utils.broadcast_one_to_all(sent)))


def arrays_from_first(arrays: Mapping[str, Any]) -> dict[str, Any]:
    """Give every process the arrays of the first one, bit by bit."""
    if jax.process_count() == 1:
        return dict(arrays)
    return seals.open_arrays(
        from_first(seals.seal_arrays(arrays) if is_first() else b"")
    )
