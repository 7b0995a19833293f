"""How benchmarks time what they compare, and say where they ran."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import jax


def seconds(run: Callable[[], object]) -> float:
    """Time one call, to its end on the device."""
    started = time.perf_counter()
    jax.block_until_ready(run())
    return time.perf_counter() - started


def in_own_process(module: str, **flags: int) -> dict[str, Any]:
    """Run a peer that prints JSON, in a process of its own: no thread pools meet."""
    words = [f"--{name.replace('_', '-')}={value}" for name, value in flags.items()]
    done = subprocess.run(
        [sys.executable, "-m", module, *words],
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(done.stdout)


def machine() -> dict[str, object]:
    """Say what ran the benchmark."""
    return {
        "jax_version": jax.__version__,
        "device": jax.devices()[0].device_kind,
        "threads": len(os.sched_getaffinity(0)),
    }
