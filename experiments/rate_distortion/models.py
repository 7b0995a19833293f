"""Autoencoders of binary digits with Gaussian or Echo codes, and their training."""

import math
import time
from typing import NamedTuple

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, UInt8

from experiments.running import memory
from jaxgan import autoencoders, parallel, training
from jaxgan.networks import mlp_decoder, mlp_encoder
from jaxgan.types import Examples, PRNGKey

KINDS = ("gaussian", "echo")

BOUND = 16.0
"""M, the bound of Echo's locations M tanh(h / M). It is so large that they are nearly
the encoder's outputs h, as for Gaussian codes. The tolerance of the truncation is
relative to it, so that the least rate of Echo codes is that of M = 1."""


class Hyperparameters(NamedTuple):
    """What all models of a sweep have in common.

    Attributes:
        units: width of the hidden layer, in encoder and decoder.
        latent_dim: latent dimensions.
        steps: training steps.
        batch_size: images in each batch.
        learning_rate: Adam's at the start; it falls to zero along a cosine.
        depth: terms of Echo's noise, each taken from another image.
    """

    units: int
    latent_dim: int
    steps: int
    batch_size: int
    learning_rate: float
    depth: int


class Digits(NamedTuple):
    """The images of a sweep. Binary ones are drawn once, the same for all models.

    Attributes:
        gray: training images, on every device. Training draws each pixel black or
            white anew at every step.
        training: binary training images; Echo's noise is drawn from their codes.
        test: binary test images.
    """

    gray: UInt8[Array, "n 28 28 1"]
    training: Examples
    test: Examples


class AutoencoderKind(NamedTuple):
    """Autoencoders with one kind of code, and how they are trained.

    Hashable: as a static argument of a compiled program it serves all β.

    Attributes:
        model: the networks, the distortion, and the channel that is used in training.
        noise: the noise of Echo codes; None for Gaussian codes.
        training: the algorithm that minimises distortion + β · rate.
    """

    model: autoencoders.Autoencoder
    noise: autoencoders.Echo | None
    training: training.Algorithm


def build(name: str, options: Hyperparameters) -> AutoencoderKind:
    """Return the autoencoders of one of `KINDS`, and how they are trained."""
    noise = None
    channel = autoencoders.gaussian_channel
    if name == "echo":
        tolerance = BOUND * autoencoders.ECHO_TOLERANCE
        noise = autoencoders.echo(options.depth, tolerance=tolerance, bound=BOUND)
        channel = noise.channel
    model = autoencoders.Autoencoder(
        mlp_encoder(options.latent_dim, (options.units,)),
        mlp_decoder(options.latent_dim, (options.units,)),
        channel,
        autoencoders.bernoulli_distortion,
    )
    schedule = optax.cosine_decay_schedule(options.learning_rate, options.steps)
    return AutoencoderKind(
        model,
        noise,
        autoencoders.autoencoding(
            model,
            optimizer=training.adam(schedule, 0.9, 0.999),
            redraw=autoencoders.binarise,
        ),
    )


def train(
    kind: AutoencoderKind,
    key: PRNGKey,
    digits: Digits,
    batch_size: int,
    steps: int,
    beta: float,
) -> tuple[autoencoders.Weights, float]:
    """Train one model.

    Returns:
        Its weights, and the seconds that training took. If the loss is not finite, the
        model is lost: all of its weights are NaN.
    """
    memory.require(jax.eval_shape(kind.training.init, key))
    state = kind.training.init(key)._replace(beta=jnp.asarray(beta, jnp.float32))
    mesh = parallel.mesh()
    state = parallel.replicate(state, mesh)
    started = time.perf_counter()
    state, metrics = training.chunk(
        kind.training, state, digits.gray, steps, batch_size=batch_size, mesh=mesh
    )
    params, loss = jax.device_put((state.params, metrics.loss), jax.devices()[0])
    if not math.isfinite(float(loss)):
        params = jax.tree.map(lambda leaf: jnp.full_like(leaf, jnp.nan), params)
    return params, time.perf_counter() - started
