"""Autoencoders with noisy codes, trained on distortion + β · rate; any kind of noise.

A *channel* maps the heads of an encoder (`networks.Heads`) to noisy codes and their
rates. The models differ in nothing else: `gaussian.gaussian_channel` makes the β-VAE,
and the channels of `echo_codes.echo` make codes with Echo noise.
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
    """The codes of a batch of examples.

    Attributes:
        latents: one draw for each example.
        rates: in nats; the rate is their mean.
        tail: bound of the truncation error in any coordinate of a draw; 0 if the
            channel does not truncate.
    """

    latents: Latents
    rates: Float[Array, "batch"]
    tail: Scalar


Channel: TypeAlias = Callable[[PRNGKey, Heads], Coded]
"""`channel(key, heads)` draws a code for each example of a batch."""

Marginal: TypeAlias = Callable[[PRNGKey, int], Latents]
"""`marginal(key, count)` draws codes of no particular example, to generate from. Each
depends only on the key and its place."""

Distortion: TypeAlias = Callable[[Example, Example], Scalar]
"""`distortion(output, example)` in nats, as in `jaxgan.autoencoders.likelihoods`."""


class Autoencoder(NamedTuple):
    """An autoencoder, without its weights.

    Attributes:
        encoder: from examples to heads.
        decoder: from latents to outputs.
        channel: from heads to noisy codes and their rates.
        distortion: of an output from its example, in nats.
    """

    encoder: Network
    decoder: Network
    channel: Channel
    distortion: Distortion


class Weights(NamedTuple):
    """The weights of encoder and decoder."""

    encoder: Params
    decoder: Params


class State(NamedTuple):
    """Everything that a run carries from step to step.

    Attributes:
        key: fixed for the whole run.
        step: number of updates made.
        beta: weight of the rate; an array, so that `jax.vmap` can train one model for
            each of many weights.
        params: weights being trained.
        optimizer: optax state.
    """

    key: PRNGKey
    step: Int[Array, ""]
    beta: Scalar
    params: Weights
    optimizer: optax.OptState


class Metrics(NamedTuple):
    """Diagnostics of one step.

    Attributes:
        loss: distortion + β · rate.
        distortion: mean over the batch, in nats.
        rate: mean over the batch, in nats.
        tail: as in `Coded`.
    """

    loss: Scalar
    distortion: Scalar
    rate: Scalar
    tail: Scalar


class Measured(NamedTuple):
    """Distortion and rate of every example of a batch.

    Attributes:
        outputs: outputs of the decoder.
        distortions: of each example, in nats.
        rates: of each example, in nats.
        tail: as in `Coded`.
    """

    outputs: Examples
    distortions: Float[Array, "batch"]
    rates: Float[Array, "batch"]
    tail: Scalar


def measure(
    model: Autoencoder, params: Weights, key: PRNGKey, examples: Examples
) -> Measured:
    """Return distortion and rate of each example, from one draw of its code.

    For Gaussian codes, minus the sum of both is an unbiased estimate of the evidence
    lower bound.
    """
    coded = model.channel(key, model.encoder.apply(params.encoder, examples))
    outputs = model.decoder.apply(params.decoder, coded.latents)
    distortions = jax.vmap(model.distortion)(outputs, examples)
    return Measured(outputs, distortions, coded.rates, coded.tail)


def as_given(key: PRNGKey, examples: Examples) -> Examples:
    """Return the examples of a step as they are."""
    del key
    return examples


def autoencoding(
    model: Autoencoder,
    *,
    optimizer: optax.GradientTransformation,
    beta: float = 1.0,
    redraw: Callable[[PRNGKey, Examples], Examples] = as_given,
) -> Algorithm:
    """Return the algorithm that minimises distortion + β · rate.

    This is the loss of Higgins et al. 2017 ("β-VAE", ICLR), equation 4. β is part of
    the state: `state._replace(beta=…)` trains another point of the rate-distortion
    curve with the same program, and `jax.vmap` over states trains many at once.

    Args:
        model: what to train.
        optimizer: for the weights of encoder and decoder together.
        beta: weight of the rate in the states that `init` makes; 1 for the evidence
            lower bound.
        redraw: `redraw(key, examples)`, applied to the examples of every step, such as
            `binarise` to gray images.

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
