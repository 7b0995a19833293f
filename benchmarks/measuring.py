"""How benchmarks time what they compare, and say where they ran."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax.sharding import Mesh

from jaxgan import parallel, training
from jaxgan.training import Algorithm


def seconds(run: Callable[[], object]) -> float:
    """Time one call, to its end on the device."""
    started = time.perf_counter()
    jax.block_until_ready(run())
    return time.perf_counter() - started


def training_program(
    algorithm: Algorithm,
    num_images: int,
    steps: int,
    *,
    batch_size: int,
    mesh: Mesh | None = None,
) -> tuple[Callable[[], None], float]:
    """Compile training steps on images of noise; each call goes on from the last.

    Also returns the seconds that compiling took.
    """
    shape = (num_images, 28, 28, 1)
    data = jax.random.randint(jax.random.key(0), shape, 0, 256).astype(jnp.uint8)
    state = algorithm.init(jax.random.key(0))
    if mesh is not None:
        state, data = parallel.replicate((state, data), mesh)
    held = [state]
    started = time.perf_counter()
    program = training.chunk.lower(
        algorithm, state, data, steps, batch_size=batch_size, mesh=mesh
    ).compile()
    spent = time.perf_counter() - started

    def run() -> None:
        held[0], _ = jax.block_until_ready(program(held[0], data))

    return run, spent


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
