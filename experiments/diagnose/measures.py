"""What is measured of codes and images, without a search.

All errors are mean squared errors per pixel, for pixels in [0, 1].
"""

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from jaxgan.networks import FinishedGenerator
from jaxgan.types import Latents

FLAT = 1e-3
"""A pixel is saturated where its slope by its logit is less than this part of the
slope at logit 0: there it learns a thousand times more slowly."""
PIXELS = 28 * 28
GRAY_LEVEL = 1 / 255**2
"""The error of one gray level in every pixel, which nobody sees."""


generate = jax.jit(FinishedGenerator.generate)
"""Compiled once for each number of latents."""


class Fits(NamedTuple):
    """Each target as a·sample + b, pixels in [0, 1], with the sample that fits best.

    Attributes:
        scale: a; negative for a target with black and white exchanged.
        shift: b.
        errors: what is left.
    """

    scale: Float[np.ndarray, "n"]
    shift: Float[np.ndarray, "n"]
    errors: Float[np.ndarray, "n"]


def errors_of(
    generator: FinishedGenerator,
    latents: Float[np.ndarray, "n latent"],
    images: Float[np.ndarray, "n 28 28 1"],
) -> Float[np.ndarray, "n"]:
    """Return the errors of codes for images, pixels of both in [-1, 1]."""
    made = generate(generator, jnp.asarray(latents, jnp.float32))
    return np.mean(np.square(in_unit_range(made) - in_unit_range(images)), 1)


def in_unit_range(images: Array | np.ndarray) -> np.ndarray:
    """Return images in [-1, 1] as rows of pixels in [0, 1]."""
    return (np.asarray(images).reshape(len(images), -1) + 1) / 2


def trivial_errors(mean: np.ndarray, images: np.ndarray) -> np.ndarray:
    """Return the errors of the better of the mean sample and an even gray."""
    pixels = in_unit_range(images)
    return np.minimum(np.mean(np.square(pixels - mean), 1), pixels.var(1))


def fit_all(samples: np.ndarray, targets: np.ndarray) -> Fits:
    """Fit each target by the sample that it is most correlated with, either way."""

    def standard(pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        mean, deviation = pixels.mean(1), np.maximum(pixels.std(1), 1e-9)
        return (pixels - mean[:, None]) / deviation[:, None], mean, deviation

    rows, sample_means, sample_deviations = standard(samples)
    wanted, means, deviations = standard(targets)
    correlations = wanted @ rows.T / PIXELS
    best = np.abs(correlations).argmax(1)
    correlation = correlations[np.arange(len(targets)), best]
    scale = correlation * deviations / sample_deviations[best]
    return Fits(
        scale,
        means - scale * sample_means[best],
        deviations**2 * (1 - correlation**2),
    )


def singular_values(generator: FinishedGenerator, codes: np.ndarray) -> np.ndarray:
    """Return those of the Jacobians at codes, for pixels in [0, 1]."""

    def image(latent: Array) -> Array:
        return generator.generate(latent[None]).reshape(-1) / 2

    @jax.jit
    def jacobian(latent: Array) -> Array:
        return jax.jacfwd(image)(latent)

    with jax.enable_x64(True):
        rows = [np.asarray(jacobian(jnp.asarray(c, jnp.float64))) for c in codes]
    return np.linalg.svd(np.stack(rows), compute_uv=False)


def saturated(generator: FinishedGenerator, codes: np.ndarray) -> np.ndarray:
    """Return the share of pixels that hardly depend on their logits, for each code."""
    return np.asarray(_saturated(generator, jnp.asarray(codes, jnp.float32)))


@jax.jit
def _saturated(generator: FinishedGenerator, latents: Latents) -> Array:
    network = generator.network
    logits = network.logits(generator.params, latents, network.kink)
    slope = partial(jax.jvp, network.output.function)
    here = slope((logits,), (jnp.ones_like(logits),))[1]
    steepest = slope((jnp.zeros_like(logits),), (jnp.ones_like(logits),))[1]
    return jnp.mean(here < FLAT * steepest, tuple(range(1, logits.ndim)))
