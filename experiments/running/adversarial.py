"""What the `gan` and `wgan` experiments share: from an algorithm to a finished run."""

import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from PIL import Image

from experiments.reporting import pictures
from experiments.running import epochs, record, run_folder
from experiments.running.errors import NonFiniteError
from experiments.running.options import AdversarialOptions
from jaxgan import data, gan, pixels, storage
from jaxgan.networks import (
    Generator,
    Network,
    conv_critic,
    conv_generator,
    mlp_critic,
    mlp_generator,
)
from jaxgan.training import Algorithm, adam

HELDOUT_IMAGES = 2000
FILM_SECONDS = 8


def networks(options: AdversarialOptions) -> tuple[Generator, Network]:
    """Build the generator and the critic that the options name."""
    if options.architecture == "conv":
        return conv_generator(options.latent_dim), conv_critic()
    return mlp_generator(options.latent_dim, options.widths), mlp_critic()


def optimizer(options: AdversarialOptions) -> optax.GradientTransformation:
    """Build the optimiser that both networks use."""
    return adam(options.learning_rate, options.beta1, options.beta2)


def train(
    experiment: str,
    options: AdversarialOptions,
    generator: Generator,
    critic: Network,
    algorithm: Algorithm,
) -> dict[str, Any]:
    """Run an algorithm for all its epochs; write results, figures and the model.

    Returns:
        The content of `summary.json`.

    Raises:
        UsageError, DataError, CheckpointError, NonFiniteError, Interrupted: see
            `experiments.running.command_line.main`.
    """
    real = data.load(options.dataset, "train", data_dir=options.data_dir)
    heldout = data.load(real.name, "test", data_dir=options.data_dir)
    out, per_epoch = epochs.open_run(experiment, options, algorithm, real)
    frames = out / "frames"
    frames.mkdir(exist_ok=True)

    unseen = pixels.as_inputs(jnp.asarray(heldout.images[:HELDOUT_IMAGES]))
    estimate = jax.jit(gan.heldout_wasserstein_estimate, static_argnums=(0, 1))
    sample = jax.jit(generator.apply)
    key = jax.random.fold_in(jax.random.key(options.seed), 1)
    fixed = jax.random.normal(key, (50, options.latent_dim))

    def observe(epoch: int, state: gan.State) -> dict[str, float]:
        images = pixels.to_pixels(np.asarray(sample(state.average, fixed)))
        with suppress(OSError):  # the film lacks what a full disk did not take
            pictures.save_image(_frame(frames, epoch), pictures.image_grid(images, 10))
        value = estimate(generator, critic, state, unseen)
        return {"wasserstein_estimate_heldout": float(value)}

    trained = epochs.run_epochs(
        out,
        options,
        algorithm,
        jnp.asarray(real.images),
        per_epoch,
        observe,
        watch="wasserstein_estimate",
    )
    summary = epochs.summarise(experiment, options, algorithm, real, trained)
    latents_key, sample_key = jax.random.split(
        jax.random.fold_in(trained.state.key, trained.state.step)
    )
    network, weights = gan.finish(latents_key, generator, trained.state.average)
    if weights is None:
        raise NonFiniteError("weights of the finished generator are not finite")
    shown = jax.jit(network.apply)(
        weights, jax.random.normal(sample_key, (100, generator.latent_dim))
    )
    grid = pictures.image_grid(pixels.to_pixels(np.asarray(shown)), 10)
    pictures.save_image(out / "samples.png", grid)
    film = _readable([_frame(frames, n + 1) for n in range(options.epochs)])
    if film:
        pictures.save_animation(out / "progress.gif", film, seconds=FILM_SECONDS)
    figure = pictures.losses_figure(trained.rows, title=f"{experiment} on {real.name}")
    figure.savefig(out / "losses.png", dpi=150)
    _write_model(out, options, weights, trained.state.critic, summary)
    run_folder.write_json(out / "summary.json", summary)
    print(
        f"trained in {summary['wall_seconds']:.0f} s; samples in {out / 'samples.png'}"
    )
    return summary


def _frame(folder: Path, epoch: int) -> Path:
    return folder / f"{epoch:05}.png"


def _readable(frames: list[Path]) -> list[Path]:
    """Leave out, and name, images that are not there whole."""
    found = []
    for path in frames:
        try:
            with Image.open(path) as image:
                image.load()
            found.append(path)
        except Exception as error:  # Pillow raises many kinds
            print(f"warning: {path} is not in the film: {error}", file=sys.stderr)
    return found


def _write_model(
    out: Path,
    options: AdversarialOptions,
    weights: Any,
    critic: Any,
    summary: dict[str, Any],
) -> None:
    """Write what other programs load: the folded generator and the critic."""
    name = options.architecture
    shape: dict[str, Any] = {"latent_dim": options.latent_dim}
    if name == "mlp":
        shape["widths"] = list(options.widths)
    storage.save_model(
        out / "model",
        {
            "generator": storage.Part(f"{name}_generator", shape, weights),
            "critic": storage.Part(f"{name}_critic", {}, critic),
        },
        {**record.provenance(out), "state_sha256": summary["state_sha256"]},
    )
