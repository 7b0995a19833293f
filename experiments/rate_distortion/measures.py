"""Rates, distortions and likelihoods of test images under a trained autoencoder."""

import math
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from experiments.rate_distortion.models import BOUND, AutoencoderKind, Digits
from jaxgan import autoencoders, evaluation
from jaxgan.autoencoders import bernoulli_mixture
from jaxgan.networks import Heads
from jaxgan.pixels import as_rows
from jaxgan.types import Examples, Latents, PRNGKey, Scalar

PART = 1000
"""Images that go through a network at a time, to bound its memory."""

SHOWN = 10
"""Reconstructions and samples that are kept for the figures."""

COMPARED = 1000
"""Pictures of each kind whose nearest training image is looked for."""

DRAWS = 2**14
"""Draws of the marginal, for `Measurements.by_draws` and `Measurements.mismatch`."""


class Measurements(NamedTuple):
    """Measurements of one model, in nats. The marginal is the distribution of codes.

    Attributes:
        rates: of each test image.
        distortions: of each test image, with Echo's noise drawn from training images.
        in_batch: the same with Echo's noise drawn from the other test images; NaN for
            Gaussian codes.
        training_rate: mean rate of as many training images.
        training_distortion: their mean distortion.
        mismatch: how many more nats the codes of test images take than draws of the
            marginal, under the normal distribution fitted to the latter.
        importance: log-likelihood of the first test images, by importance weighting;
            NaN for Echo, whose codes have no density that can be computed.
        by_draws: the same by draws of the marginal: for both kinds of codes, but far
            too low where the rate is high.
        outputs: reconstructions of the first test images: probabilities of white.
        samples: the same, decoded from draws of the marginal.
        nearest_of_samples: mean Euclidean distance of decoded draws of the marginal to
            the nearest gray training image, for pixels in [0, 1].
        nearest_of_test: the same of reconstructions of test images.
        nearest_of_training: the same of reconstructions of training images. Samples
            that are copies are as near as these.
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
    nearest_of_samples: Float[np.ndarray, ""]
    nearest_of_test: Float[np.ndarray, ""]
    nearest_of_training: Float[np.ndarray, ""]


def measure(
    kind: AutoencoderKind,
    params: autoencoders.Weights,
    key: PRNGKey,
    digits: Digits,
    *,
    likelihood_images: int,
    likelihood_draws: int,
) -> tuple[Measurements, autoencoders.Exactness | None]:
    """Measure a trained model.

    Args:
        kind: of the model.
        params: its weights; where they are NaN, so is all that is measured.
        key: of all draws.
        digits: images; the binary ones are measured.
        likelihood_images: test images, from the first, whose likelihood is estimated.
        likelihood_draws: importance-weighted draws for each of them.

    Returns:
        Its measurements and, for Echo codes, how exact their rate is.
    """
    sample_key, importance_key = jax.random.split(key)
    some = digits.test[:likelihood_images]
    heads = encode(kind, params, digits.training)
    if kind.noise is None:
        source, exactness = None, None
        importance = _importance(kind, params, importance_key, some, likelihood_draws)
    else:
        bank, exactness = _bank(kind.noise, heads)
        tolerance = BOUND * autoencoders.ECHO_TOLERANCE
        is_lost = not jnp.isfinite(heads.location).all()  # and no depth is enough
        needed = 1 if is_lost else autoencoders.needed_depth(bank, tolerance=tolerance)
        source = bank, min(max(1, needed), kind.noise.depth)
        importance = np.full(len(some), np.nan, np.float32)
    found, pictures = _measure(
        kind, params, source, sample_key, heads, digits, len(some)
    )
    references = as_rows(np.asarray(digits.gray))
    near = {name: _distance(each, references) for name, each in pictures.items()}
    arrays = {**found, **near, "importance": importance}
    return Measurements(**{n: np.asarray(a) for n, a in arrays.items()}), exactness


def _distance(
    pictures: Array, references: Float[np.ndarray, "n pixels"]
) -> Float[np.ndarray, ""]:
    """Return the mean distance of pictures to the nearest reference; NaN if lost."""
    flat = np.asarray(pictures).reshape(len(pictures), -1)
    if not np.isfinite(flat).all():
        return np.asarray(np.nan)
    return np.asarray(evaluation.nearest(flat, references)[0].mean())


@partial(jax.jit, static_argnames=("kind",))
def encode(
    kind: AutoencoderKind, params: autoencoders.Weights, images: Examples
) -> Heads:
    """Return the encoder's outputs for many images, a part of them at a time."""

    def one(image):
        heads = kind.model.encoder.apply(params.encoder, image[None])
        return jax.tree.map(lambda leaf: leaf[0], heads)

    return jax.lax.map(one, images, batch_size=PART)


@partial(jax.jit, static_argnames=("noise",))
def _bank(
    noise: autoencoders.Echo, heads: Heads
) -> tuple[autoencoders.Maps, autoencoders.Exactness]:
    """Return the maps of a set of images, and how exact the rate of its codes is."""
    entropy = math.log(len(heads.location))
    return noise.maps(heads)[0], autoencoders.exactness(noise, heads, entropy)


@partial(jax.jit, static_argnames=("kind", "draws"))
def _importance(
    kind: AutoencoderKind,
    params: autoencoders.Weights,
    key,
    images: Examples,
    draws: int,
):
    return autoencoders.importance_log_likelihood(
        kind.model, params, key, images, num_samples=draws
    )


@partial(jax.jit, static_argnames=("kind", "likelihood_images"))
def _measure(
    kind: AutoencoderKind, params, source, key, heads, digits, likelihood_images
) -> tuple[dict[str, Array], dict[str, Array]]:
    """Return what is kept, and pictures whose nearest training image is looked for."""
    channel_key, own_key, training_key, marginal_key, sample_key = jax.random.split(
        key, 5
    )
    decode = partial(kind.model.decoder.apply, params.decoder)

    def distort(latents: Latents, images: Examples):
        def one(pair):
            return kind.model.distortion(decode(pair[0][None])[0], pair[1])

        return jax.lax.map(one, (latents, images), batch_size=PART)

    def pictures(latents: Latents):
        return jax.nn.sigmoid(decode(latents))[..., 0]

    test = digits.test
    test_heads = encode(kind, params, test)
    if kind.noise is None:
        channel = autoencoders.gaussian_channel
        marginal = autoencoders.prior(heads.location.shape[1])
        in_batch = jnp.full(len(test), jnp.nan)
    else:
        channel = kind.noise.given_bank(*source)
        marginal = kind.noise.marginal(*source)
        own = kind.model.channel(own_key, test_heads)
        in_batch = distort(own.latents, test)
    coded = channel(channel_key, test_heads)
    some = jax.tree.map(lambda leaf: leaf[: len(test)], heads)
    trained = channel(training_key, some)
    draws = marginal(marginal_key, DRAWS)
    compared = {
        "nearest_of_samples": pictures(draws[:COMPARED]),
        "nearest_of_test": pictures(coded.latents[:COMPARED]),
        "nearest_of_training": pictures(trained.latents[:COMPARED]),
    }
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
    }, compared


def mismatch(
    codes: Float[Array, "k latent"], others: Float[Array, "n latent"]
) -> Scalar:
    """Return how many more nats `others` take than `codes` under a normal distribution.

    It is fitted to `codes`. The difference is ½ (E (z − μ)ᵀ Σ⁻¹ (z − μ) − d), with the
    mean μ and the covariance Σ of `codes`, z of `others` and d dimensions: 0 if the
    first two moments agree.
    """
    mean = jnp.mean(codes, 0)
    centred, moved = codes - mean[None], others - mean[None]
    values, vectors = jnp.linalg.eigh(centred.T @ centred / len(codes))
    # A direction in which no code varies carries no information.
    varies = values > 1e-6 * values[-1]
    scores = jnp.mean((moved @ vectors) ** 2, 0) / jnp.where(varies, values, 1.0)
    return 0.5 * jnp.sum(jnp.where(varies, scores - 1, 0.0))
