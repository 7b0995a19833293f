"""Codes of images that the generator itself made, to the last digit.

Such an image is G(z) in double precision, and nothing else is known of z. The squared
error of pixels is a poor guide to it, flat where tanh saturates. That of the logits
arctanh(x) is not, but most of it comes from pixels that look alike. So the logits are
clipped, which takes nothing from the zero at z: tightly on the way there, then widely,
because a tight bound may hide what tells one code from another.
"""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from jaxgan.inversion.multistart import invert_from
from jaxgan.inversion.starts import starts_for
from jaxgan.networks.piecewise import layers_of, logits_at
from jaxgan.types import Latents, Params, PRNGKey

TIGHT = float(np.arctanh(0.999))
WIDE = 9.0
"""Bounds of logits. Pixels give 9 with an error ε/(1 − tanh² 9) of 4e-9."""
ZERO = 1e-28
"""Mean squared errors per pixel below this are rounding of double precision."""
GAUSS_NEWTON_STEPS = 3
WAVE = 2
"""Starts between two looks at which images still have no code."""


class Forms(NamedTuple):
    """A generator as recovery needs it; its functions are compiled once each.

    Attributes:
        tight: logits, clipped tightly.
        wide: logits, clipped widely.
        at: image and Jacobian at a latent, in double precision.
        latent_dim: number of latent dimensions.
    """

    tight: Callable[[Latents], Array]
    wide: Callable[[Latents], Array]
    at: Callable[[Array], tuple[Array, Array]]
    latent_dim: int


class Recovery(NamedTuple):
    """What was found for each image.

    Attributes:
        latents: the code with the least error.
        errors: mean squared error per pixel there, pixels in [0, 1].
        exact: whether that is zero up to rounding.
        starts: how many were tried.
    """

    latents: Float[np.ndarray, "images latent"]
    errors: Float[np.ndarray, "images"]
    exact: Bool[np.ndarray, "images"]
    starts: Int[np.ndarray, "images"]


def forms(params: Params) -> Forms:
    """Make the forms of a folded fully connected generator.

    Raises:
        ValueError: if the weights are of another kind of network.
    """
    layers = layers_of(params)

    def clipped(bound: float, latents: Latents) -> Array:
        weights = jax.tree.map(lambda w: w.astype(latents.dtype), layers)
        logits = jax.vmap(lambda latent: logits_at(weights, latent))(latents)
        return jnp.clip(logits, -bound, bound)

    @jax.jit
    def at(latent: Array) -> tuple[Array, Array]:
        weights = jax.tree.map(lambda w: w.astype(latent.dtype), layers)

        def image(latent: Array) -> tuple[Array, Array]:
            pixels = jnp.tanh(logits_at(weights, latent))
            return pixels, pixels

        jacobian, pixels = jax.jacfwd(image, has_aux=True)(latent)
        return pixels, jacobian

    dim = len(layers.kernels[0])
    return Forms(partial(clipped, TIGHT), partial(clipped, WIDE), at, dim)


def recover(
    generator: Forms,
    key: PRNGKey,
    images: Float[np.ndarray, "images 28 28 1"],
    *,
    num_starts: int = 16,
    max_steps: int = 40,
    double_steps: int = 20,
) -> Recovery:
    """Find the codes of images that a generator made.

    An image gets new starts, two at a time, until one reaches it exactly. What is
    found depends on key and number of the image only, not on the other images.

    Args:
        generator: in the forms made once by `forms`.
        key: of starts.
        images: G(z) in double precision; in single precision pixels near ±1 have lost
            their logits, and nothing is exact.
        num_starts: most starts for each image.
        max_steps: of each start, in single precision.
        double_steps: of each start, after these.

    Raises:
        ValueError: if the images are not in double precision or outside [-1, 1], or a
            number is out of range.
    """
    if images.dtype != np.float64 or not np.all(np.abs(images) <= 1):
        raise ValueError(
            f"expected images in double precision in [-1, 1], got {images.dtype} "
            f"from {images.min():.3g} to {images.max():.3g}"
        )
    starts = np.asarray(
        starts_for(
            generator.tight,
            key,
            jnp.asarray(_targets(images, TIGHT), jnp.float32),
            latent_dim=generator.latent_dim,
            num_starts=num_starts,
        )
    )
    # Every wave gets its share of the nearest samples, which come first.
    order = np.argsort(np.arange(num_starts) % max(num_starts // 2, 1), kind="stable")
    starts = starts[:, order]
    latents = np.zeros(starts[:, 0].shape)
    lowest = np.full(len(images), np.inf)
    tried = np.zeros(len(images), int)
    for first in range(0, num_starts, WAVE):
        (left,) = np.nonzero(lowest > ZERO)
        if not len(left):
            break
        some = starts[left, first : first + WAVE]
        found, errors = _find(generator, some, images[left], max_steps, double_steps)
        better = errors < lowest[left]
        latents[left[better]], lowest[left[better]] = found[better], errors[better]
        tried[left] += some.shape[1]
    return Recovery(latents, lowest, lowest <= ZERO, tried)


def condition_numbers(
    generator: Forms, latents: Float[np.ndarray, "images latent"]
) -> Float[np.ndarray, "images"]:
    """Condition numbers of the Jacobians of G at codes, in double precision.

    A relative error ε of an image leaves that of its code uncertain by about κ ε.
    """
    with jax.enable_x64(True):
        jacobians = [generator.at(jnp.asarray(latent))[1] for latent in latents]
    return np.array([np.linalg.cond(jacobian) for jacobian in jacobians])


def _find(
    generator: Forms,
    starts: Float[np.ndarray, "images starts latent"],
    images: Float[np.ndarray, "images 28 28 1"],
    max_steps: int,
    double_steps: int,
) -> tuple[Float[np.ndarray, "images latent"], Float[np.ndarray, "images"]]:
    """Give the best code of each image, and its error."""
    near = invert_from(
        generator.tight,
        starts,
        _targets(images, TIGHT),
        max_steps=max_steps,
        double_steps=double_steps,
    )
    found = invert_from(
        generator.wide,
        near.best()[:, None],
        _targets(images, WIDE),
        max_steps=0,
        double_steps=double_steps,
    )
    with jax.enable_x64(True):
        pairs = zip(found.best(), images.reshape(len(images), -1), strict=True)
        latents, errors = zip(*(_polish(generator, *p) for p in pairs), strict=True)
    return np.stack(latents), np.array(errors)


def _polish(
    generator: Forms, latent: np.ndarray, target: np.ndarray
) -> tuple[np.ndarray, float]:
    """Take Gauss-Newton steps on the pixels: each of them is as exact as the others."""

    def look(latent: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        image, jacobian = map(np.asarray, generator.at(jnp.asarray(latent)))
        return target - image, jacobian

    missing, jacobian = look(latent)
    for _ in range(GAUSS_NEWTON_STEPS):
        trial = latent + np.linalg.lstsq(jacobian, missing)[0]
        there = look(trial)
        if np.sum(there[0] ** 2) < np.sum(missing**2):
            latent, (missing, jacobian) = trial, there
    return latent, float(np.mean((missing / 2) ** 2))


def _targets(images: np.ndarray, bound: float) -> np.ndarray:
    least = np.tanh(bound)
    return np.arctanh(np.clip(images.reshape(len(images), -1), -least, least))
