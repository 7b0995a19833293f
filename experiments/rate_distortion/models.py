"""Autoencoders of binary digits, Gaussian codes or Echo: made and trained alike."""

import math
import time
from typing import NamedTuple

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, UInt8

from experiments.running.errors import NonFiniteError
from jaxgan import autoencoders, parallel, training
from jaxgan.networks import mlp_decoder, mlp_encoder
from jaxgan.types import Examples, PRNGKey

KINDS = ("gaussian", "echo")

BOUND = 16.0
"""Of Echo's locations: M tanh(h / 16) is then the head itself, as for Gaussian codes.
The tolerance of the truncation is relative to it, so that the floor is as for M = 1."""


class Recipe(NamedTuple):
    """What all models of a sweep have in common.

    Attributes:
        units: of the hidden layer of either half.
        latent_dim: latent dimensions.
        epochs: passes over the training images.
        batch_size: images in each batch.
        learning_rate: Adam's, at the start; it falls to zero along a cosine.
        depth: of Echo noise.
    """

    units: int
    latent_dim: int
    epochs: int
    batch_size: int
    learning_rate: float
    depth: int


class Digits(NamedTuple):
    """What is trained on, and what is measured: the last two are drawn once for all.

    Attributes:
        gray: training images, on every device; black or white is drawn again at every
            step.
        training: training images, binary, whose codes are Echo's bank.
        test: test images, binary.
    """

    gray: UInt8[Array, "n 28 28 1"]
    training: Examples
    test: Examples


class Coder(NamedTuple):
    """One kind of code: hashable, and so a program is compiled once for all β.

    Attributes:
        model: with the channel for training.
        noise: of Echo codes.
        training: on distortion + β rate.
    """

    model: autoencoders.Autoencoder
    noise: autoencoders.Echo | None
    training: training.Algorithm


def build(kind: str, recipe: Recipe, steps: int) -> Coder:
    """Make one of `KINDS`, to be trained for so many steps."""
    noise = None
    channel = autoencoders.gaussian_channel
    if kind == "echo":
        tolerance = BOUND * autoencoders.ECHO_TOLERANCE
        noise = autoencoders.echo(recipe.depth, tolerance=tolerance, bound=BOUND)
        channel = noise.channel
    model = autoencoders.Autoencoder(
        mlp_encoder(recipe.latent_dim, (recipe.units,)),
        mlp_decoder(recipe.latent_dim, (recipe.units,)),
        channel,
        autoencoders.bernoulli_distortion,
    )
    schedule = optax.cosine_decay_schedule(recipe.learning_rate, steps)
    return Coder(
        model,
        noise,
        autoencoders.autoencoding(
            model,
            optimizer=training.adam(schedule, 0.9, 0.999),
            redraw=autoencoders.binarise,
        ),
    )


def train(
    coder: Coder, key: PRNGKey, digits: Digits, batch_size: int, steps: int, beta: float
) -> tuple[autoencoders.Weights, float]:
    """Train one model from its start to its end; also say how many seconds it took.

    Raises:
        NonFiniteError: if the loss is not finite.
    """
    state = coder.training.init(key)._replace(beta=jnp.asarray(beta, jnp.float32))
    mesh = parallel.mesh()
    state = parallel.replicate(state, mesh)
    started = time.perf_counter()
    state, metrics = training.chunk(
        coder.training, state, digits.gray, steps, batch_size=batch_size, mesh=mesh
    )
    loss = float(metrics.loss)
    if not math.isfinite(loss):
        raise NonFiniteError(f"the loss at β = {beta} is {loss}")
    spent = time.perf_counter() - started
    return jax.device_put(state.params, jax.devices()[0]), spent
