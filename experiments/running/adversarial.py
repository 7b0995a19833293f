"""Train a generator against a critic, from flags to a finished run: gan and wgan."""

import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from PIL import Image

from experiments.reporting import page, pictures
from experiments.running import (
    critics,
    datasets,
    epochs,
    optimizers,
    record,
    run_folder,
)
from experiments.running.errors import NonFiniteError
from experiments.running.options import AdversarialOptions
from jaxgan import gan, networks, pixels, storage
from jaxgan.networks import Generator, Network
from jaxgan.training import Algorithm
from jaxgan.types import Params

HELDOUT_IMAGES = 2000
"""Test images on which the critic's Wasserstein estimate is logged."""
FRAME_IMAGES = 50
"""Images in each frame of the film, of latents that stay the same."""
COLUMNS = 10
"""Images in each row of a picture."""
FILM_SECONDS = 8.0
SAMPLES = "samples.png"


def train(
    experiment: str, options: AdversarialOptions, objective: Callable[..., Algorithm]
) -> dict[str, Any]:
    """Train for all epochs; write the results, the figures and the model.

    Args:
        experiment: name of the command.
        options: its flags.
        objective: `jaxgan.gan.vanilla_gan` or `jaxgan.gan.wgan_gp`, with the arguments
            that are particular to it.

    Returns:
        The content of `summary.json`.

    Raises:
        UsageError, DataError, CheckpointError, NonFiniteError, Interrupted: see
            `experiments.running.command_line.main`.
    """
    is_any = options.architecture == "mlp"
    real, heldout = datasets.load(options, None if is_any else datasets.DIGITS)
    shape = _shape(real.images)
    generator, critic = _networks(options, shape)
    centre = critics.centre_of(options.critic_input, real.images)
    critic = critics.given(critic, centre)
    generator_optimizer, critic_optimizer = optimizers.adams(
        options.learning_rate,
        options.decay_after,
        options.beta1,
        options.beta2,
        critic_steps=options.critic_steps,
    )
    algorithm = objective(
        generator,
        critic,
        generator_optimizer=generator_optimizer,
        critic_optimizer=critic_optimizer,
        critic_steps=options.critic_steps,
        average_decay=options.average_decay,
    )
    out, per_epoch = epochs.open_run(experiment, options, algorithm, real)
    print(f"{out / SAMPLES} shows samples while it trains, new ones after every epoch")
    trained = epochs.run_epochs(
        out,
        options,
        algorithm,
        jnp.asarray(real.images),
        per_epoch,
        _observer(out, options.seed, generator, critic, heldout.images),
        watch="wasserstein_estimate",
    )
    summary = epochs.summarise(experiment, out, options, algorithm, real, trained)

    folding_key, sample_key = jax.random.split(
        jax.random.fold_in(trained.state.key, trained.state.step)
    )
    finished = gan.finish(folding_key, generator, trained.state.average)
    if finished is None:
        raise NonFiniteError("weights of the finished generator are not finite")
    critic_part = critics.part(
        options.architecture, shape, centre, trained.state.critic
    )
    _write_model(out, options, shape, finished.params, critic_part, summary)
    summary["in_words"] = _in_words(summary)
    run_folder.write_json(out / "summary.json", summary)
    latents = jax.random.normal(sample_key, (100, generator.latent_dim))
    with pictures.drawing(out / SAMPLES) as path:
        _save_grid(path, jax.jit(type(finished).generate)(finished, latents))
    with pictures.drawing(out / "progress.gif") as path:
        _save_film(path, out, options.epochs)
    with pictures.drawing(out / "losses.png") as path:
        title = f"{experiment} on {real.name}"
        pictures.losses_figure(trained.rows, title=title).savefig(path, dpi=150)
    page.write(out)
    print(f"trained in {summary['training_seconds']:.0f} s; samples in {out / SAMPLES}")
    return summary


def _in_words(summary: Mapping[str, Any]) -> str:
    """Return what the training came to."""
    return (
        f"Trained for {summary['epochs']} epochs on {summary['n_train']:,} images of "
        f"{summary['dataset']}, in {summary['steps']:,} steps.\n"
        "The critic's mean score of real minus generated images, positive while it "
        f"tells them apart, ended at {summary['wasserstein_estimate']:.3g} on images "
        "that it was trained on, and at "
        f"{summary['wasserstein_estimate_heldout']:.3g} on others."
    )


def _shape(images: np.ndarray) -> dict[str, Any]:
    """Return the shape of the images as an option of the networks; none for digits."""
    shape = images.shape[1:]
    return {} if shape == datasets.DIGITS else {"shape": list(shape)}


def _networks(
    options: AdversarialOptions, shape: dict[str, Any]
) -> tuple[Generator, Network]:
    """Return the generator and the critic that the options name."""
    if options.architecture == "conv":
        return networks.conv_generator(options.latent_dim), networks.conv_critic()
    generator = networks.mlp_generator(
        options.latent_dim, options.widths, corner_width=options.corner_width, **shape
    )
    return generator, networks.mlp_critic(**shape)


def _observer(
    out: Path,
    seed: int,
    generator: Generator,
    critic: Network,
    heldout: np.ndarray,
) -> Callable[[int, gan.State], dict[str, float]]:
    """Return what is done after every epoch: draw samples, judge held-out images."""
    frames = out / "frames"
    frames.mkdir(exist_ok=True)
    unseen = pixels.as_inputs(jnp.asarray(heldout[:HELDOUT_IMAGES]))
    estimate = jax.jit(gan.heldout_wasserstein_estimate, static_argnums=(0, 1))
    sample = jax.jit(generator.apply)
    # The keys 0 to 2 of the seed are those of the first state.
    key = jax.random.fold_in(jax.random.key(seed), 3)
    fixed = jax.random.normal(key, (FRAME_IMAGES, generator.latent_dim))

    def observe(epoch: int, state: gan.State) -> dict[str, float]:
        images = sample(state.average, fixed)
        for path in (_frame(out, epoch), out / SAMPLES):
            with suppress(OSError):  # A full disk costs the picture, not the run.
                _save_grid(path, images)
        value = estimate(generator, critic, state, unseen)
        return {"wasserstein_estimate_heldout": float(value)}

    return observe


def _save_grid(path: Path, images: jax.Array) -> None:
    grid = pictures.image_grid(pixels.to_pixels(np.asarray(images)), COLUMNS)
    pictures.save_image(path, grid)


def _frame(out: Path, epoch: int) -> Path:
    return out / "frames" / f"{epoch:05}.png"


def _save_film(film: Path, out: Path, epochs: int) -> None:
    """Write the frames of all epochs as a film; warn of frames that are damaged."""
    frames = []
    for path in (_frame(out, epoch) for epoch in range(1, epochs + 1)):
        try:
            with Image.open(path) as image:
                image.load()
            frames.append(path)
        except Exception as error:  # Pillow raises many kinds.
            print(f"warning: {path} is not in the film: {error}", file=sys.stderr)
    if frames:
        pictures.save_animation(film, frames, seconds=FILM_SECONDS)


def _write_model(
    out: Path,
    options: AdversarialOptions,
    shape: dict[str, Any],
    generator: Params,
    critic: storage.Part,
    summary: dict[str, Any],
) -> None:
    """Write the folded generator and the critic, which other programs can load."""
    name = options.architecture
    sizes: dict[str, Any] = {"latent_dim": options.latent_dim, **shape}
    if name == "mlp":
        sizes["widths"] = list(options.widths)
        if options.corner_width:
            sizes["corner_width"] = options.corner_width
    storage.save_model(
        out / "model",
        {
            "generator": storage.Part(f"{name}_generator", sizes, generator),
            "critic": critic,
        },
        {**record.provenance(out), "state_sha256": summary["state_sha256"]},
    )
