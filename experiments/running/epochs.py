"""A training run: open its folder, train epoch by epoch, log, save, stop, resume."""

import sys
import time
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from tqdm import tqdm

from experiments.reporting import events, page
from experiments.running import duration, hosts, memory, record, run_folder
from experiments.running.errors import Interrupted, NonFiniteError, UsageError
from experiments.running.interruption import stop_requested
from experiments.running.options import RunOptions
from experiments.running.progress import forecast
from jaxgan import errors, parallel, storage, training
from jaxgan.data import Dataset
from jaxgan.storage import digests
from jaxgan.training import Algorithm


class Trained(NamedTuple):
    """The result of a training run.

    Attributes:
        state: the state after the last epoch.
        rows: what was logged, one mapping for each epoch.
        seconds: time spent in training steps, over all resumptions.
        compile_seconds: time that this process spent on compiling.
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
    may_change: tuple[str, ...] = record.MAY_CHANGE_ON_RESUME,
) -> tuple[Path, int]:
    """Open the output folder of a run.

    Returns:
        The folder, and the number of steps in an epoch.

    Raises:
        UsageError: if there are too few images for one step, or as
            `run_folder.begin` raises it.
    """
    try:
        per_epoch = training.steps_per_epoch(
            algorithm, len(real.images), options.batch_size
        )
    except ValueError as error:
        raise UsageError(str(error)) from error
    if options.tensorboard:
        events.require()
    out = run_folder.begin(
        experiment,
        options,
        real.name,
        real.name,
        (real.images, real.labels),
        resume=options.resume,
        may_change=may_change,
    )
    print(f"{experiment}: {len(real.images)} images of {real.name}, results in {out}")
    return out, per_epoch


def run_epochs(
    out: Path,
    options: RunOptions,
    algorithm: Algorithm,
    data: training.Data,
    per_epoch: int,
    observe: Callable[[int, Any], dict[str, float]],
    watch: str,
    loss: Callable[[dict[str, Any]], float] | None = None,
) -> Trained:
    """Train to the last epoch, starting at the last checkpoint of a resumed run.

    If logs or a checkpoint cannot be written (a full disk), a warning is printed and
    they are written after the next epoch; it is an error only at the end of the run.

    Args:
        out: folder of the run.
        options: the flags: epochs, batch size, seed, checkpoints.
        algorithm: the algorithm to run.
        data: training data, on the device.
        per_epoch: number of steps in an epoch.
        observe: `observe(epoch, state)` returns numbers to log; it may write files.
        watch: name of the logged number that the progress bar shows.
        loss: computed from a logged row; the checkpoint with the least loss is kept.

    Returns:
        The last state, and what was logged.

    Raises:
        CheckpointError, NonFiniteError, Interrupted: see `command_line.main`.
    """
    mesh = parallel.mesh()
    key = jax.random.key(options.seed)
    memory.require(jax.eval_shape(algorithm.init, key))
    state = jax.jit(algorithm.init)(key)
    state, rows = resume(out, state) if options.resume else (state, [])
    state, data = parallel.replicate((state, data), mesh)
    done = int(state.step) // per_epoch
    if options.resume:
        print(f"resumed at epoch {done} of {options.epochs}")

    started = time.perf_counter()
    program = training.chunk.lower(
        algorithm, state, data, per_epoch, batch_size=options.batch_size, mesh=mesh
    ).compile()
    compile_seconds = time.perf_counter() - started
    seconds = rows[-1]["training_seconds"] if rows else 0.0
    images = per_epoch * algorithm.batches_per_step * options.batch_size
    unsaved = None
    bar = tqdm(total=options.epochs, initial=done, unit="epoch", disable=None)
    logging = nullcontext(lambda row: None)
    if options.tensorboard:
        logging = events.logging(out / "events", done)
    timed = forecast()
    with bar, logging as log, stop_requested() as stopping:
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
                "training_seconds": seconds,
            }
            _stop_if_not_finite(row, state)
            rows.append(row)
            bar.update()
            bar.set_postfix({watch: f"{row[watch]:.3g}"})
            timed(1, options.epochs - epoch)
            leaving = stopping() or epoch == options.epochs
            due = leaving or unsaved or epoch % options.checkpoint_every == 0
            best = loss(row) if loss else None
            unsaved = write_progress(out, rows, state if due else None, best)
            page.write(out, page.Progress(epoch, options.epochs, "epoch"))
            log(row)
            if leaving and unsaved:
                raise unsaved
            if leaving and epoch < options.epochs:
                raise Interrupted(f"stopped after epoch {epoch}; go on with --resume")
    return Trained(state, rows, seconds, compile_seconds)


def write_progress(
    out: Path, rows: list[dict[str, Any]], state: Any | None, loss: float | None = None
) -> errors.CheckpointError | None:
    """Write what was logged, and the state if there is one.

    Returns:
        None, or the error if they cannot be written; it has been printed as a warning.
    """
    try:
        run_folder.write_rows(out / "metrics.jsonl", rows)
        if state is not None and hosts.is_first():
            log = run_folder.rows_text(rows)
            step = rows[-1]["step"]
            storage.save_state(out / "checkpoint", step, state, log=log, loss=loss)
    except OSError as error:
        failure = errors.CheckpointError(f"{out}: not writable: {error.strerror}")
    except errors.CheckpointError as error:
        failure = error
    else:
        return None
    tqdm.write(f"warning: {failure}", sys.stderr)
    return failure


def summarise(
    experiment: str,
    out: Path,
    options: RunOptions,
    algorithm: Algorithm,
    real: Dataset,
    trained: Trained,
) -> dict[str, Any]:
    """Return the summary of a run: size, speed, last logged row, hash of its state."""
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
        "state_sha256": digests.sha256(trained.state),
        "wall_seconds": duration.elapsed(out),
    }


def resume(out: Path, like: Any) -> tuple[Any, list[dict[str, Any]]]:
    """Return the last checkpoint and what was logged until then; `like` if none."""
    found = (
        storage.restore_state(out / "checkpoint", like) if hosts.is_first() else None
    )
    for line in found.damaged if found else ():
        print(f"warning: {line}; set aside", file=sys.stderr)
    state, log = (found.state, found.log) if found else (like, "")
    words = hosts.arrays_from_first(digests.as_arrays(digests.named(state)))
    rows = run_folder.parse_rows(hosts.from_first(log.encode()).decode())
    if found:
        run_folder.write_rows(out / "metrics.jsonl", rows)
    return digests.fill(like, words), rows


def _numbers(metrics: Any) -> dict[str, float]:
    return {
        name: float(value)
        for name, value in metrics._asdict().items()
        if value is not None
    }


def _stop_if_not_finite(row: dict[str, Any], state: Any) -> None:
    wrong = [name for name, value in row.items() if not np.isfinite(value)]
    if not all_finite(state):
        wrong.append("the state")
    if wrong:
        raise NonFiniteError(
            f"not finite in epoch {row['epoch']} (step {row['step']}): "
            f"{', '.join(wrong)}; earlier checkpoints are intact"
        )


@jax.jit
def all_finite(state: Any) -> jax.Array:
    """Return whether all floating-point numbers of a state are finite."""
    floating = [
        leaf
        for leaf in jax.tree.leaves(state)
        if jnp.issubdtype(leaf.dtype, jnp.floating)
    ]
    return jnp.stack([jnp.isfinite(leaf).all() for leaf in floating]).all()
