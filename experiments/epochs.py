"""The life of a run: open its folder, train epoch by epoch, log, save, stop, resume."""

import dataclasses
import importlib.metadata
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from tqdm import tqdm

from experiments import run_folder
from experiments.command_line import Interrupted, NonFiniteError, UsageError
from experiments.interruption import stop_requested
from experiments.options import DataOptions, RunOptions
from jaxgan import checkpoints, training
from jaxgan.algorithm import Algorithm
from jaxgan.data import Dataset

PACKAGES = ("jaxgan", "jax", "jaxlib", "flax", "optax", "numpy")
NOT_THE_RUN = ("out", "resume", "overwrite")
MAY_CHANGE_ON_RESUME = (
    "command",
    "epochs",
    "checkpoint_every",
    "data_dir",
    "versions",
    "device",
)


class Trained(NamedTuple):
    """What training leaves.

    Attributes:
        state: after the last epoch.
        rows: what was logged, one mapping for each epoch.
        seconds: spent in training steps, over all resumptions.
        compile_seconds: of the last process.
    """

    state: Any
    rows: list[dict[str, Any]]
    seconds: float
    compile_seconds: float


def open_run(
    experiment: str,
    options: RunOptions,
    algorithm: Algorithm,
    real: Dataset,
    may_change: tuple[str, ...] = MAY_CHANGE_ON_RESUME,
) -> tuple[Path, int]:
    """Make the output folder ready; return it and the steps in an epoch.

    Raises:
        UsageError: if the data does not fill a step, or the folder is in the way.
    """
    try:
        per_epoch = training.steps_per_epoch(
            algorithm, len(real.images), options.batch_size
        )
    except ValueError as error:
        raise UsageError(str(error)) from error
    out = options.out or Path("runs") / f"{experiment}-{real.name}-{options.seed}"
    run_folder.open_run_folder(
        out,
        record(experiment, options, real),
        resume=options.resume,
        overwrite=options.overwrite,
        may_change=may_change,
    )
    print(f"{experiment}: {len(real.images)} images of {real.name}, results in {out}")
    return out, per_epoch


def record(experiment: str, options: DataOptions, real: Dataset) -> dict[str, Any]:
    """Say what makes the run what it is, as JSON."""
    flags = dataclasses.asdict(options)
    flags = {
        name: str(value) if isinstance(value, Path) else value
        for name, value in flags.items()
        if name not in NOT_THE_RUN
    }
    return {
        "experiment": experiment,
        "command": command(experiment, options),
        **flags,
        "dataset": real.name,
        "data_sha256": checkpoints.sha256((real.images, real.labels)),
        "versions": {name: importlib.metadata.version(name) for name in PACKAGES},
        "device": jax.devices()[0].device_kind,
    }


def command(experiment: str, options: DataOptions) -> str:
    """Write the command that makes the run, without its folders."""
    words = ["python", "-m", f"experiments.{experiment}"]
    for field in dataclasses.fields(options):
        value = getattr(options, field.name)
        if field.name in (*NOT_THE_RUN, "data_dir") or value == field.default:
            continue
        flag = field.name.replace("_", "-")
        if isinstance(value, bool):
            words.append(f"--{flag}" if value else f"--no-{flag}")
        else:
            values = value if isinstance(value, tuple) else (value,)
            words += [f"--{flag}", *map(str, values)]
    return " ".join(words)


def provenance(out: Path) -> dict[str, Any]:
    """Say, for a model's card, what it was made with: the run's own record."""
    config = json.loads((out / "config.json").read_text())
    names = ("command", "seed", "dataset", "data_sha256", "versions", "device")
    return {name: config[name] for name in names}


def run_epochs(
    out: Path,
    options: RunOptions,
    algorithm: Algorithm,
    data: training.Data,
    per_epoch: int,
    observe: Callable[[int, Any], dict[str, float]],
    watch: str,
) -> Trained:
    """Train to the last epoch, from the last checkpoint if there is one to resume.

    Args:
        out: the run's folder.
        options: epochs, batch size, seed, checkpoints.
        algorithm: what to run.
        data: on the device.
        per_epoch: steps in an epoch.
        observe: `observe(epoch, state)` measures, and may write files of its own.
        watch: the logged number that the progress bar shows.

    Raises:
        CheckpointError, NonFiniteError, Interrupted: see `command_line.main`.
    """
    state = algorithm.init(jax.random.key(options.seed))
    state, rows = _resume(out, state) if options.resume else (state, [])
    done = int(state.step) // per_epoch
    if options.resume:
        print(f"resumed at epoch {done} of {options.epochs}")

    started = time.perf_counter()
    program = training.chunk.lower(
        algorithm, state, data, per_epoch, batch_size=options.batch_size
    ).compile()
    compile_seconds = time.perf_counter() - started
    seconds = rows[-1]["wall_seconds"] if rows else 0.0
    images = per_epoch * algorithm.batches_per_step * options.batch_size
    bar = tqdm(total=options.epochs, initial=done, unit="epoch", disable=None)
    with bar, stop_requested() as stopping:
        for epoch in range(done + 1, options.epochs + 1):
            started = time.perf_counter()
            state, metrics = jax.block_until_ready(program(state, data))
            elapsed = time.perf_counter() - started
            seconds += elapsed
            row = {
                "epoch": epoch,
                "step": int(state.step),
                **_numbers(metrics),
                **observe(epoch, state),
                "images_per_second": images / elapsed,
                "wall_seconds": seconds,
            }
            _stop_if_not_finite(row, state)
            rows.append(row)
            run_folder.append_row(out / "metrics.jsonl", row)
            bar.update()
            bar.set_postfix({watch: f"{row[watch]:.3g}"})
            last = epoch == options.epochs
            if last or stopping() or epoch % options.checkpoint_every == 0:
                checkpoints.save(out / "checkpoint", int(state.step), state)
            if stopping() and not last:
                raise Interrupted(f"stopped after epoch {epoch}; go on with --resume")
    return Trained(state, rows, seconds, compile_seconds)


def summarise(
    experiment: str,
    options: RunOptions,
    algorithm: Algorithm,
    real: Dataset,
    trained: Trained,
) -> dict[str, Any]:
    """Sum up a run: its size, its speed, its last row, and the hash of its state."""
    steps = int(trained.state.step)
    images = steps * algorithm.batches_per_step * options.batch_size
    return {
        "experiment": experiment,
        "dataset": real.name,
        "n_train": len(real.images),
        "epochs": options.epochs,
        "steps": steps,
        "batch_size": options.batch_size,
        "compile_seconds": trained.compile_seconds,
        "steps_per_second": steps / trained.seconds,
        **{k: v for k, v in trained.rows[-1].items() if k not in ("epoch", "step")},
        "images_per_second": images / trained.seconds,
        "state_sha256": checkpoints.sha256(trained.state),
    }


def _resume(out: Path, like: Any) -> tuple[Any, list[dict[str, Any]]]:
    """Find the last checkpoint, and of the records what was before it."""
    found = checkpoints.restore(out / "checkpoint", like)
    step, state = found or (0, like)
    return state, run_folder.keep_rows(out / "metrics.jsonl", step)


def _numbers(metrics: Any) -> dict[str, float]:
    return {
        name: float(value)
        for name, value in metrics._asdict().items()
        if value is not None
    }


def _stop_if_not_finite(row: dict[str, Any], state: Any) -> None:
    wrong = [name for name, value in row.items() if not np.isfinite(value)]
    floating = [
        leaf
        for leaf in jax.tree.leaves(state)
        if jnp.issubdtype(leaf.dtype, jnp.floating)
    ]
    if not all(bool(jnp.isfinite(leaf).all()) for leaf in floating):
        wrong.append("the state")
    if wrong:
        raise NonFiniteError(
            f"not finite in epoch {row['epoch']} (step {row['step']}): "
            f"{', '.join(wrong)}; earlier checkpoints are intact"
        )
