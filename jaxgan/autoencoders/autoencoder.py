"""Autoencoders whose code is noisy: distortion + β rate; the Gaussian encoder.

A *channel* is how noise meets the heads of an encoder. Everything else is the same for
all of them: `gaussian_channel` here makes the β-VAE, `jaxgan.autoencoders.echo_codes` another model.
"""

from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Float, Int

from jaxgan.networks import Heads, Network
from jaxgan.training.algorithm import Algorithm, streams
from jaxgan.types import Example, Examples, Latents, Params, PRNGKey, Scalar


class Coded(NamedTuple):
    """A batch of codes.

    Attributes:
        latents: one draw for each example.
        rates: in nats; their mean is the rate.
        tail: bound of what the draws lack, in any coordinate; 0 if nothing.
    """

    latents: Latents
    rates: Float[Array, "batch"]
    tail: Scalar


Channel: TypeAlias = Callable[[PRNGKey, Heads], Coded]

Marginal: TypeAlias = Callable[[PRNGKey, int], Latents]
"""`marginal(key, count)` draws codes of no particular example, to generate from; each
depends on the key and its place only."""

Distortion: TypeAlias = Callable[[Example, Example], Scalar]
"""`distortion(output, example)`, as in `jaxgan.autoencoders.likelihoods`."""


class Autoencoder(NamedTuple):
    """What is trained.

    Attributes:
        encoder: from examples to `networks.Heads`.
        decoder: from latents to outputs.
        channel: from heads to noisy codes and their rates.
        distortion: of an output and its example, in nats.
    """

    encoder: Network
    decoder: Network
    channel: Channel
    distortion: Distortion


class Weights(NamedTuple):
    """Of both halves."""

    encoder: Params
    decoder: Params


class State(NamedTuple):
    """All that a run carries from step to step.

    Attributes:
        key: fixed for the whole run.
        step: number of updates made.
        beta: weight of the rate; an array, so that `jax.vmap` trains a sweep.
        params: weights being trained.
        optimizer: optax state.
    """

    key: PRNGKey
    step: Int[Array, ""]
    beta: Scalar
    params: Weights
    optimizer: optax.OptState


class Metrics(NamedTuple):
    """Diagnostics of one step, means over its batch.

    Attributes:
        loss: distortion + β rate.
        distortion: in nats.
        rate: in nats.
        tail: as in `Coded`.
    """

    loss: Scalar
    distortion: Scalar
    rate: Scalar
    tail: Scalar


class Measured(NamedTuple):
    """Distortion and rate of every example of a batch, in nats.

    Attributes:
        outputs: of the decoder.
        distortions: of each example.
        rates: of each example.
        tail: as in `Coded`.
    """

    outputs: Examples
    distortions: Float[Array, "batch"]
    rates: Float[Array, "batch"]
    tail: Scalar


def measure(
    model: Autoencoder, params: Weights, key: PRNGKey, examples: Examples
) -> Measured:
    """Send a batch through the autoencoder once.

    The negative of distortion plus rate is, for Gaussian codes, a one-draw estimate of
    the evidence lower bound: `elbo`.
    """
    coded = model.channel(key, model.encoder.apply(params.encoder, examples))
    outputs = model.decoder.apply(params.decoder, coded.latents)
    distortions = jax.vmap(model.distortion)(outputs, examples)
    return Measured(outputs, distortions, coded.rates, coded.tail)


def elbo(
    model: Autoencoder, params: Weights, key: PRNGKey, examples: Examples
) -> Float[Array, "batch"]:
    """Evidence lower bound of each example, from one draw of its code, in nats."""
    measured = measure(model, params, key, examples)
    return -(measured.distortions + measured.rates)


def as_given(key: PRNGKey, examples: Examples) -> Examples:
    """Leave the examples of a step as they are."""
    del key
    return examples


def autoencoding(
    model: Autoencoder,
    *,
    optimizer: optax.GradientTransformation,
    beta: float = 1.0,
    redraw: Callable[[PRNGKey, Examples], Examples] = as_given,
) -> Algorithm:
    """Minimise distortion + β rate (Higgins et al. 2017, equation 4).

    β is part of the state: `state._replace(beta=…)` trains another point of the
    frontier with the same program, and `jax.vmap` over states many at once.

    Args:
        model: what to train.
        optimizer: for the weights of both halves.
        beta: in the states that `init` makes; 1 for the evidence lower bound.
        redraw: of the examples of a step, such as `likelihoods.binarise` of gray ones.

    Raises:
        ValueError: if `beta` is negative.
    """
    if beta < 0:
        raise ValueError(f"beta must be at least 0, got {beta}")

    def init(key: PRNGKey) -> State:
        encoder_key, decoder_key, run_key = jax.random.split(key, 3)
        params = Weights(
            model.encoder.init(encoder_key), model.decoder.init(decoder_key)
        )
        return State(
            key=run_key,
            step=jnp.zeros((), jnp.int32),
            beta=jnp.asarray(beta, jnp.float32),
            params=params,
            optimizer=optimizer.init(params),
        )

    def step(state: State, batches) -> tuple[State, Metrics]:
        key = jax.random.fold_in(streams(state.key).noise, state.step)
        redraw_key, channel_key = jax.random.split(key)
        examples = redraw(redraw_key, batches[0])

        def loss(params: Weights):
            measured = measure(model, params, channel_key, examples)
            distortion = jnp.mean(measured.distortions)
            rate = jnp.mean(measured.rates)
            value = distortion + state.beta * rate
            return value, Metrics(value, distortion, rate, measured.tail)

        gradient, metrics = jax.grad(loss, has_aux=True)(state.params)
        change, moments = optimizer.update(gradient, state.optimizer, state.params)
        params: Any = optax.apply_updates(state.params, change)
        state = State(state.key, state.step + 1, state.beta, params, moments)
        return state, metrics

    return Algorithm(init, step)
