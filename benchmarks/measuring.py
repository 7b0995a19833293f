"""What benchmarks share: timing, compiled training steps, and peers in processes."""

import importlib.util
import json
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
    """Return the seconds that one call takes, until its result is on the device."""
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
    """Compile training steps on images of noise.

    Args:
        algorithm: to train with.
        num_images: training images.
        steps: training steps in one call.
        batch_size: images in each batch.
        mesh: devices to divide the batches among; None for one device.

    Returns:
        A function that takes the steps, each call from where the last one ended; and
        the seconds that compiling took.
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


def command(module: str, **flags: int | str) -> list[str]:
    """Return what follows `python`; `batch_size=64` is `--batch-size=64`."""
    return [
        *("-m", module),
        *(f"--{name.replace('_', '-')}={value}" for name, value in flags.items()),
    ]


def in_own_process(module: str, **flags: int | str) -> dict[str, Any]:
    """Run a module that prints JSON, and return what it printed.

    It has a process of its own, so that its thread pools do not compete with ours.

    Args:
        module: name of the module.
        flags: its command line, as in `command`.

    Raises:
        CalledProcessError: if it fails; `stderr` is what it complained of.
    """
    done = subprocess.run(
        [sys.executable, *command(module, **flags)],
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(done.stdout)


def torch_is_installed() -> bool:
    """Return whether PyTorch can be imported; if not, print a line about it."""
    found = importlib.util.find_spec("torch") is not None
    if not found:
        print("PyTorch is not installed: it is not compared", file=sys.stderr)
    return found
