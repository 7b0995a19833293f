"""What a trained autoencoder does with images that it has not seen."""

import math
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from experiments.rate_distortion.models import BOUND, Coder, Digits
from jaxgan import autoencoders
from jaxgan.autoencoders import bernoulli_mixture
from jaxgan.networks import Heads
from jaxgan.types import Examples, Latents, PRNGKey, Scalar

PART = 1000
"""Images that go through a network at a time."""

SHOWN = 10
"""Reconstructions and samples that are kept for the figures."""

DRAWS = 2**14
"""Of the marginal, for `Measured.by_draws` and `Measured.mismatch`."""


class Measured(NamedTuple):
    """What one model does with the test images; nats.

    Attributes:
        rates: of each test image.
        distortions: of each, Echo's noise being drawn from the training images.
        in_batch: the same, its noise being drawn from the other test images; not a
            number for Gaussian codes.
        training_rate: mean of as many training images.
        training_distortion: likewise.
        mismatch: how many more nats the codes of test images take than draws of the
            marginal, under the normal distribution fitted to the latter.
        importance: log-likelihood of the first test images, by importance weighting;
            not a number for Echo, whose codes have no density that can be computed.
        by_draws: the same from draws of the marginal: for both kinds, but far too low
            where the rate is high.
        outputs: reconstructions of the first test images: probabilities of white.
        samples: likewise, from draws of the marginal.
    """

    rates: Float[np.ndarray, "n"]
    distortions: Float[np.ndarray, "n"]
    in_batch: Float[np.ndarray, "n"]
    training_rate: Float[np.ndarray, ""]
    training_distortion: Float[np.ndarray, ""]
    mismatch: Float[np.ndarray, ""]
    importance: Float[np.ndarray, "k"]
    by_draws: Float[np.ndarray, "k"]
    outputs: Float[np.ndarray, "shown 28 28"]
    samples: Float[np.ndarray, "shown 28 28"]


def measure(
    coder: Coder,
    params: autoencoders.Weights,
    key: PRNGKey,
    digits: Digits,
    *,
    likelihood_images: int,
    likelihood_draws: int,
) -> tuple[Measured, autoencoders.Exactness | None]:
    """Measure a trained model; for Echo also say what makes its rate inexact.

    Args:
        coder: of the model.
        params: its weights.
        key: of all draws.
        digits: the binary ones are measured.
        likelihood_images: test images whose likelihood is estimated: the first.
        likelihood_draws: for each of them, by importance weighting.
    """
    look_key, importance_key = jax.random.split(key)
    some = digits.test[:likelihood_images]
    heads = encode(coder, params, digits.training)
    if coder.noise is None:
        source, exactness = None, None
        importance = _importance(coder, params, importance_key, some, likelihood_draws)
    else:
        bank, exactness = _bank(coder.noise, heads)
        needed = autoencoders.needed_depth(
            bank, tolerance=BOUND * autoencoders.ECHO_TOLERANCE
        )
        source = bank, min(max(1, needed), coder.noise.depth)
        importance = np.full(len(some), np.nan, np.float32)
    found = _look(coder, params, source, look_key, heads, digits, len(some))
    arrays = {**found, "importance": importance}
    return Measured(**{n: np.asarray(a) for n, a in arrays.items()}), exactness


@partial(jax.jit, static_argnames=("coder",))
def encode(coder: Coder, params: autoencoders.Weights, images: Examples) -> Heads:
    """Encode many images, part by part."""

    def one(image):
        heads = coder.model.encoder.apply(params.encoder, image[None])
        return jax.tree.map(lambda leaf: leaf[0], heads)

    return jax.lax.map(one, images, batch_size=PART)


@partial(jax.jit, static_argnames=("noise",))
def _bank(
    noise: autoencoders.Echo, heads: Heads
) -> tuple[autoencoders.Maps, autoencoders.Exactness]:
    """Give the maps of a population, and whether its rate is exact."""
    entropy = math.log(len(heads.location))
    return noise.maps(heads)[0], autoencoders.exactness(noise, heads, entropy)


@partial(jax.jit, static_argnames=("coder", "draws"))
def _importance(
    coder: Coder, params: autoencoders.Weights, key, images: Examples, draws: int
):
    return autoencoders.importance_log_likelihood(
        coder.model, params, key, images, num_samples=draws
    )


@partial(jax.jit, static_argnames=("coder", "likelihood_images"))
def _look(
    coder: Coder, params, source, key, heads, digits, likelihood_images
) -> dict[str, Array]:
    channel_key, own_key, training_key, marginal_key, sample_key = jax.random.split(
        key, 5
    )
    decode = partial(coder.model.decoder.apply, params.decoder)

    def distort(latents: Latents, images: Examples):
        def one(pair):
            return coder.model.distortion(decode(pair[0][None])[0], pair[1])

        return jax.lax.map(one, (latents, images), batch_size=PART)

    def pictures(latents: Latents):
        return jax.nn.sigmoid(decode(latents))[..., 0]

    test = digits.test
    test_heads = encode(coder, params, test)
    if coder.noise is None:
        channel = autoencoders.gaussian_channel
        marginal = autoencoders.prior(heads.location.shape[1])
        in_batch = jnp.full(len(test), jnp.nan)
    else:
        channel = coder.noise.given_bank(*source)
        marginal = coder.noise.marginal(*source)
        own = coder.model.channel(own_key, test_heads)
        in_batch = distort(own.latents, test)
    coded = channel(channel_key, test_heads)
    some = jax.tree.map(lambda leaf: leaf[: len(test)], heads)
    trained = channel(training_key, some)
    draws = marginal(marginal_key, DRAWS)
    return {
        "rates": coded.rates,
        "distortions": distort(coded.latents, test),
        "in_batch": in_batch,
        "training_rate": jnp.mean(trained.rates),
        "training_distortion": jnp.mean(
            distort(trained.latents, digits.training[: len(test)])
        ),
        "mismatch": mismatch(draws, coded.latents),
        "by_draws": bernoulli_mixture(decode(draws), test[:likelihood_images]),
        "outputs": pictures(coded.latents[:SHOWN]),
        "samples": pictures(marginal(sample_key, SHOWN)),
    }


def mismatch(
    codes: Float[Array, "k latent"], others: Float[Array, "n latent"]
) -> Scalar:
    """Give what other codes cost more than some, under the normal fitted to these.

    ½ (E (z − μ)ᵀ Σ⁻¹ (z − μ) − d), μ and Σ of the first and z of the others: in nats,
    0 if the first two moments agree.
    """
    mean = jnp.mean(codes, 0)
    centred, moved = codes - mean[None], others - mean[None]
    values, vectors = jnp.linalg.eigh(centred.T @ centred / len(codes))
    # A direction in which no code varies informs of nothing.
    varies = values > 1e-6 * values[-1]
    scores = jnp.mean((moved @ vectors) ** 2, 0) / jnp.where(varies, values, 1.0)
    return 0.5 * jnp.sum(jnp.where(varies, scores - 1, 0.0))
