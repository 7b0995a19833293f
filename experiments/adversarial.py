"""What the `gan` and `wgan` experiments share: from an algorithm to a finished run."""

import dataclasses
import importlib.metadata
import time
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from tqdm import tqdm

from experiments import run_folder
from experiments.command_line import Interrupted, NonFiniteError, UsageError
from experiments.interruption import stop_requested
from experiments.options import TrainingOptions
from jaxgan import algorithms, checkpoints, data, plots, training
from jaxgan.networks import (
    Generator,
    Network,
    conv_critic,
    conv_generator,
    mlp_critic,
    mlp_generator,
)

HELDOUT_IMAGES = 2000
FOLDING_LATENTS = 10_000
MAY_CHANGE_ON_RESUME = ("epochs", "checkpoint_every", "data_dir", "versions", "device")


def networks(options: TrainingOptions) -> tuple[Generator, Network]:
    """Build the generator and the critic that the options name."""
    if options.architecture == "conv":
        return conv_generator(options.latent_dim), conv_critic()
    return mlp_generator(options.latent_dim), mlp_critic()


def adam(options: TrainingOptions) -> optax.GradientTransformation:
    """Build the optimiser that both networks use."""
    return algorithms.adam(options.learning_rate, options.beta1, options.beta2)


def train(
    experiment: str,
    options: TrainingOptions,
    generator: Generator,
    critic: Network,
    algorithm: algorithms.Algorithm,
) -> dict[str, Any]:
    """Run an algorithm for all its epochs and write results, figures, checkpoints.

    Returns:
        The content of `summary.json`.

    Raises:
        UsageError, DataError, CheckpointError, NonFiniteError, Interrupted: see
            `experiments.command_line.main`.
    """
    real = data.load(options.dataset, "train", data_dir=options.data_dir)
    heldout = data.load(real.name, "test", data_dir=options.data_dir)
    try:
        per_epoch = training.steps_per_epoch(
            algorithm, len(real.images), options.batch_size
        )
    except ValueError as error:
        raise UsageError(str(error)) from error
    out = options.out or Path("runs") / f"{experiment}-{real.name}-{options.seed}"
    run_folder.open_run_folder(
        out,
        _record(experiment, options, real),
        resume=options.resume,
        overwrite=options.overwrite,
        may_change=MAY_CHANGE_ON_RESUME,
    )
    print(f"{experiment}: {len(real.images)} images of {real.name}, results in {out}")

    images, unseen = (
        jnp.asarray(real.images),
        jnp.asarray(heldout.images[:HELDOUT_IMAGES]),
    )
    key = jax.random.key(options.seed)
    state = algorithm.init(key)
    state, rows, frames = _resume(out, state) if options.resume else (state, [], [])
    done = int(state.step) // per_epoch
    if options.resume:
        print(f"resumed at epoch {done} of {options.epochs}")

    started = time.perf_counter()
    epoch_program = training.chunk.lower(
        algorithm, state, images, per_epoch, batch_size=options.batch_size
    ).compile()
    estimate = jax.jit(algorithms.heldout_wasserstein_estimate, static_argnums=(0, 1))
    sample = jax.jit(generator.apply)
    compile_seconds = time.perf_counter() - started
    fixed = jax.random.normal(jax.random.fold_in(key, 1), (100, options.latent_dim))

    seconds = rows[-1]["wall_seconds"] if rows else 0.0
    bar = tqdm(total=options.epochs, initial=done, unit="epoch", disable=None)
    with bar, stop_requested() as stopping:
        for epoch in range(done + 1, options.epochs + 1):
            started = time.perf_counter()
            state, metrics = jax.block_until_ready(epoch_program(state, images))
            elapsed = time.perf_counter() - started
            seconds += elapsed
            unseen_estimate = estimate(generator, critic, state, unseen)
            row = {
                "epoch": epoch,
                "step": int(state.step),
                **_numbers(metrics),
                "wasserstein_estimate_heldout": float(unseen_estimate),
                "images_per_second": per_epoch
                * algorithm.critic_steps
                * options.batch_size
                / elapsed,
                "wall_seconds": seconds,
            }
            _stop_if_not_finite(row, state)
            rows.append(row)
            run_folder.append_row(out / "metrics.jsonl", row)
            digits = plots.to_pixels(np.asarray(sample(state.average, fixed)))
            frames.append(plots.image_grid(digits[:50], 10))
            bar.update()
            bar.set_postfix(wasserstein=f"{row['wasserstein_estimate']:.2f}")
            last = epoch == options.epochs
            if last or stopping() or epoch % options.checkpoint_every == 0:
                np.savez_compressed(out / "progress.npz", frames=np.stack(frames))
                checkpoints.save(out / "checkpoint", int(state.step), state)
            if stopping() and not last:
                raise Interrupted(f"stopped after epoch {epoch}; go on with --resume")

    _figures(out, generator, state, rows, frames, f"{experiment} on {real.name}")
    final = rows[-1]
    summary = {
        "experiment": experiment,
        "dataset": real.name,
        "n_train": len(real.images),
        "epochs": options.epochs,
        "steps": int(state.step),
        "batch_size": options.batch_size,
        "wall_seconds": seconds,
        "compile_seconds": compile_seconds,
        "steps_per_second": int(state.step) / seconds,
        "images_per_second": int(state.step)
        * algorithm.critic_steps
        * options.batch_size
        / seconds,
        **{name: final[name] for name in final if name in REPORTED},
        "state_sha256": checkpoints.sha256(state),
    }
    run_folder.write_json(out / "summary.json", summary)
    print(f"trained in {seconds:.0f} s; samples in {out / 'samples.png'}")
    return summary


REPORTED = (*algorithms.Metrics._fields, "wasserstein_estimate_heldout")


def _record(experiment: str, options: TrainingOptions, real: Any) -> dict[str, Any]:
    """Say what makes the run what it is, as JSON."""
    flags = dataclasses.asdict(options)
    for name in ("out", "resume", "overwrite"):
        del flags[name]
    if options.data_dir is not None:
        flags["data_dir"] = str(options.data_dir)
    packages = ("jaxgan", "jax", "jaxlib", "flax", "optax", "numpy")
    return {
        "experiment": experiment,
        **flags,
        "dataset": real.name,
        "data_sha256": checkpoints.sha256((real.images, real.labels)),
        "versions": {name: importlib.metadata.version(name) for name in packages},
        "device": jax.devices()[0].device_kind,
    }


def _resume(out: Path, like: algorithms.State) -> tuple[algorithms.State, list, list]:
    """Find the last checkpoint, and of the records what was before it."""
    found = checkpoints.restore(out / "checkpoint", like)
    step, state = found or (0, like)
    rows = run_folder.keep_rows(out / "metrics.jsonl", step)
    frames = []
    if rows:
        with np.load(out / "progress.npz", allow_pickle=False) as stored:
            frames = list(stored["frames"][: len(rows)])
    return state, rows, frames


def _numbers(metrics: algorithms.Metrics) -> dict[str, float]:
    return {
        name: float(value)
        for name, value in metrics._asdict().items()
        if value is not None
    }


def _stop_if_not_finite(row: dict[str, Any], state: algorithms.State) -> None:
    wrong = [name for name, value in row.items() if not np.isfinite(value)]
    weights = jax.tree.leaves((state.generator, state.critic))
    if not all(bool(jnp.isfinite(leaf).all()) for leaf in weights):
        wrong.append("the weights")
    if wrong:
        raise NonFiniteError(
            f"not finite in epoch {row['epoch']} (step {row['step']}): "
            f"{', '.join(wrong)}; earlier checkpoints are intact"
        )


def _figures(
    out: Path,
    generator: Generator,
    state: algorithms.State,
    rows: list[dict[str, Any]],
    frames: list[np.ndarray],
    title: str,
) -> None:
    many, few = jax.random.split(jax.random.fold_in(state.key, state.step))
    latents = jax.random.normal(many, (FOLDING_LATENTS, generator.latent_dim))
    folded, weights = generator.fold(state.average, latents)
    samples = folded.apply(weights, jax.random.normal(few, (100, generator.latent_dim)))
    grid = plots.image_grid(plots.to_pixels(np.asarray(samples)), 10)
    plots.save_image(out / "samples.png", grid)
    plots.save_animation(out / "progress.gif", frames, seconds=8)
    plots.losses_figure(rows, title=title).savefig(out / "losses.png", dpi=150)
