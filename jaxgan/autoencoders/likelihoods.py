"""Distortions: negative log-likelihoods of an example given an output, in nats."""

import math

import jax
import jax.numpy as jnp
from jax.scipy.special import entr
from jaxtyping import Array, Float

from jaxgan.types import Example, Examples, PRNGKey, Scalar


def binarise(key: PRNGKey, pixels: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    """Return random black or white pixels, −1 or 1.

    Args:
        key: of the draw.
        pixels: gray values in [-1, 1]; white is drawn with probability (pixel + 1)/2.
    """
    white = jax.random.bernoulli(key, (pixels + 1) / 2)
    return jnp.where(white, 1.0, -1.0)


def bernoulli_distortion(logits: Example, pixels: Example) -> Scalar:
    """Return Σ −log p(pixel) for independent pixels that are black or white.

    A pixel contributes log(1 + eˡ) − x l, with its logit l and x = (pixel + 1)/2, which
    is finite at every logit. It is a likelihood for pixels of −1 and 1 only. For gray
    ones it is a cross-entropy, whose least value is not zero.

    Args:
        logits: logits of the pixels being white.
        pixels: in [-1, 1].
    """
    white = (pixels + 1) / 2
    return jnp.sum(jax.nn.softplus(logits) - white * logits)


def bernoulli_mixture(
    logits: Float[Array, "k *shape"], pixels: Float[Array, "n *shape"]
) -> Float[Array, "n"]:
    """Return for each image the log of the mean of p(pixels|logits) over components.

    With the outputs of a decoder at draws of the marginal, this estimates log p(x), for
    any kind of code. The estimate is too low in expectation, and far too low where the
    rate is well above the log of the number of draws. It takes one matrix product.

    Args:
        logits: of each component.
        pixels: −1 or 1.
    """
    k, n = len(logits), len(pixels)
    logits = logits.reshape(k, -1)
    white = (pixels.reshape(n, -1) + 1) / 2
    normalisers = jnp.sum(jax.nn.softplus(logits), 1)
    return jax.nn.logsumexp(white @ logits.T - normalisers[None], 1) - math.log(k)


def gaussian_distortion(mean: Example, example: Example, *, std: float = 1.0) -> Scalar:
    """Return Σ −log N(x; mean, std²) = ‖x − mean‖²/(2 std²) + ½ n log(2π std²).

    n is the number of pixels; `std` is in the units of the example. The value is
    negative where the density is above 1.
    """
    error = (example - mean) / std
    constant = 0.5 * example.size * math.log(2 * math.pi * std**2)
    return 0.5 * jnp.sum(error * error) + constant


def distortion_at_rate_zero(
    pixels: Examples, heldout: Float[Array, "heldout *shape"]
) -> tuple[Scalar, Scalar]:
    """Return the Bernoulli distortion of the best constant decoder, in nats.

    Its output is the mean image p̄ of the examples, and its distortion the entropy of
    independent pixels with these probabilities of white.

    Args:
        pixels: examples with pixels in [-1, 1].
        heldout: other examples, measured with the mean image of `pixels`. It is
            smoothed as if there were one white and one black example more, so that a
            pixel that was never white does not make the distortion infinite.

    Returns:
        The mean distortion of `pixels`, and that of `heldout`.
    """
    count = len(pixels)
    mean = jnp.mean((pixels + 1) / 2, 0)
    smoothed = (count * mean + 1) / (count + 2)
    white = jnp.mean((heldout + 1) / 2, 0)
    cross = -jnp.sum(white * jnp.log(smoothed) + (1 - white) * jnp.log1p(-smoothed))
    return jnp.sum(entr(mean) + entr(1 - mean)), cross
