"""How far an output is from an example: negative log-likelihoods, in nats."""

import math

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxgan.types import Example, Examples, PRNGKey, Scalar


def binarise(key: PRNGKey, pixels: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    """Draw black or white, −1 or 1, with the gray value as the chance of white.

    Args:
        key: of the draw.
        pixels: in [-1, 1].
    """
    white = jax.random.bernoulli(key, (pixels + 1) / 2)
    return jnp.where(white, 1.0, -1.0)


def bernoulli_distortion(logits: Example, pixels: Example) -> Scalar:
    """Sum of −log p(pixel) for independent pixels that are white or black.

    log(1 + eˡ) − x l with x = (pixel + 1)/2, finite at every logit. A likelihood on
    pixels of −1 and 1 only: gray ones give a cross-entropy, whose least value is not
    zero and which no density over gray images has.
    """
    white = (pixels + 1) / 2
    return jnp.sum(jax.nn.softplus(logits) - white * logits)


def bernoulli_mixture(
    logits: Float[Array, "k *shape"], pixels: Float[Array, "n *shape"]
) -> Float[Array, "n"]:
    """Log of the mean of p(pixels|logits) over components, for each image.

    With the outputs of a decoder at draws of the marginal, an estimate of log p(x) that
    any kind of code allows. It is low in expectation, and by much where the rate is
    well above the log of the number of draws. One matrix product for all pairs.
    """
    k, n = len(logits), len(pixels)
    logits = logits.reshape(k, -1)
    white = (pixels.reshape(n, -1) + 1) / 2
    normalisers = jnp.sum(jax.nn.softplus(logits), 1)
    return jax.nn.logsumexp(white @ logits.T - normalisers[None], 1) - math.log(k)


def gaussian_distortion(mean: Example, example: Example, *, std: float = 1.0) -> Scalar:
    """Sum of −log N(x; mean, std²): the squared error, scaled, and a constant.

    ‖x − mean‖²/(2 std²) + ½ n log(2π std²), in the units of the example; it is
    negative where a density is above 1.
    """
    error = (example - mean) / std
    constant = 0.5 * example.size * math.log(2 * math.pi * std**2)
    return 0.5 * jnp.sum(error * error) + constant


def binary_entropy(probability: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    """Entropy of a coin, in nats; 0 at 0 and at 1."""
    p = probability
    return -(jax.scipy.special.xlogy(p, p) + jax.scipy.special.xlog1py(1 - p, -p))


def distortion_at_rate_zero(
    pixels: Examples, heldout: Examples
) -> tuple[Scalar, Scalar]:
    """Give what a decoder pays that knows the mean image and nothing else.

    Its best output is the mean p̄ of the examples, with distortion Σ H_b(p̄).

    Args:
        pixels: that the mean is of, in [-1, 1].
        heldout: that also pay, with the mean of `pixels`; a pixel that was never white
            counts as white once in the number of examples plus 2.

    Returns:
        The mean distortion of `pixels`, and of `heldout`.
    """
    count = len(pixels)
    mean = jnp.mean((pixels + 1) / 2, 0)
    smoothed = (count * mean + 1) / (count + 2)
    white = jnp.mean((heldout + 1) / 2, 0)
    cross = -jnp.sum(white * jnp.log(smoothed) + (1 - white) * jnp.log1p(-smoothed))
    return jnp.sum(binary_entropy(mean)), cross
