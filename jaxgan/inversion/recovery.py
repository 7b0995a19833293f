"""Codes of images that the generator itself made, to the last digits.

Such an image is G(z) in double precision, and nothing else is known of z. The squared
error of pixels leads to z badly: it is flat where tanh saturates. The squared error of
the logits arctanh(x) does not have this fault, but most of it comes from pixels that
look alike. So the logits are clipped; the error at z stays zero. The bound is tight
at first, then wide, because a tight bound may hide what distinguishes two codes.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from jaxgan.inversion.many_images import search_from
from jaxgan.inversion.starts import starts_for
from jaxgan.networks import TANH, FinishedGenerator, Output, arguments
from jaxgan.types import PRNGKey

TIGHT = float(np.arctanh(0.999))
WIDE = 9.0
"""The two bounds of logits. A logit of 9, read off its pixel in double precision, has
an error ε/(1 − tanh² 9) of 4e-9."""
ZERO = 1e-28
"""Mean squared errors per pixel up to this are rounding errors of double precision."""
GAUSS_NEWTON_STEPS = 3
STARTS_AT_ONCE = 2
"""Starts tried together; only images that are still without a code get more."""


class Recovery(NamedTuple):
    """What was found for each image.

    Attributes:
        latents: the code with the least error.
        errors: mean squared error per pixel there, for pixels in [0, 1].
        exact: whether this error is zero up to rounding.
        starts: number of starts that were tried.
    """

    latents: Float[np.ndarray, "images latent"]
    errors: Float[np.ndarray, "images"]
    exact: Bool[np.ndarray, "images"]
    starts: Int[np.ndarray, "images"]


def _clip_tight(logits: Array) -> Array:
    return jnp.clip(logits, -TIGHT, TIGHT)


def _clip_wide(logits: Array) -> Array:
    return jnp.clip(logits, -WIDE, WIDE)


TIGHT_LOGITS = Output(_clip_tight, -TIGHT, TIGHT, jnp.zeros_like)
WIDE_LOGITS = Output(_clip_wide, -WIDE, WIDE, jnp.zeros_like)


def _clipped(generator: FinishedGenerator, output: Output) -> FinishedGenerator:
    """Return the generator of clipped logits."""
    network = generator.network._replace(output=output)
    return FinishedGenerator(network, generator.params)


@jax.jit
def _at(generator: FinishedGenerator, latent: Array) -> tuple[Array, Array]:
    """Return image and Jacobian at a latent, in its precision."""

    def image(latent: Array) -> tuple[Array, Array]:
        pixels = generator.generate(latent[None]).reshape(-1)
        return pixels, pixels

    jacobian, pixels = jax.jacfwd(image, has_aux=True)(latent)
    return pixels, jacobian


def recover(
    key: PRNGKey,
    generator: FinishedGenerator,
    images: Float[np.ndarray, "images 28 28 1"],
    *,
    num_starts: int = 16,
    max_steps: int = 8,
    double_steps: int = 20,
) -> Recovery:
    """Return the codes of images that a generator made.

    An image gets new starts, two at a time, until one leads to it exactly. What is
    found depends only on the key and the number of the image, not on other images.

    Args:
        key: of the starts.
        generator: that made them, with tanh as its output.
        images: G(z) in double precision. In single precision the logits of pixels near
            ±1 are lost, and no code is exact.
        num_starts: greatest number of starts of each image.
        max_steps: greatest number of steps from each start in single precision.
        double_steps: greatest number of steps in double precision, after these.

    Raises:
        ValueError: if the images are not in double precision or outside [-1, 1], the
            output is not tanh, or a number is out of range.
    """
    arguments.require_generator(generator)
    if num_starts < 1:
        raise ValueError(f"num_starts must be ≥ 1, got {num_starts}")
    if generator.network.output is not TANH:
        raise ValueError("expected a generator whose output is tanh")
    images = np.asarray(images)
    shape = generator.image_shape
    if images.dtype != np.float64 or images.shape[1:] != shape or not len(images):
        raise ValueError(
            f"expected images [n ≥ 1, {', '.join(map(str, shape))}] in double "
            "precision in [-1, 1], got "
            f"{images.dtype} {list(images.shape)}"
        )
    if not np.all(np.abs(images) <= 1):
        raise ValueError(
            f"expected images in double precision in [-1, 1], got {images.dtype} "
            f"from {images.min():.3g} to {images.max():.3g}"
        )
    starts = np.asarray(
        starts_for(
            key,
            _clipped(generator, TIGHT_LOGITS),
            jnp.asarray(_targets(images, TIGHT), jnp.float32),
            num_starts=num_starts,
        )
    )
    # The nearest samples come first; each group of starts gets its share of them.
    order = np.argsort(np.arange(num_starts) % max(num_starts // 2, 1), kind="stable")
    starts = starts[:, order]
    latents = np.zeros(starts[:, 0].shape)
    lowest = np.full(len(images), np.inf)
    tried = np.zeros(len(images), int)
    for first in range(0, num_starts, STARTS_AT_ONCE):
        (left,) = np.nonzero(lowest > ZERO)
        if not len(left):
            break
        some = starts[left, first : first + STARTS_AT_ONCE]
        found, errors = _find(generator, some, images[left], max_steps, double_steps)
        better = errors < lowest[left]
        latents[left[better]], lowest[left[better]] = found[better], errors[better]
        tried[left] += some.shape[1]
    return Recovery(latents, lowest, lowest <= ZERO, tried)


def condition_numbers(
    generator: FinishedGenerator, latents: Float[np.ndarray, "images latent"]
) -> Float[np.ndarray, "images"]:
    """Return the condition number of the Jacobian of G at each code.

    They are computed in double precision. If an image has a relative error ε, its code
    is uncertain by a relative error of about ε times the condition number.

    Raises:
        ValueError: if the latents are not codes of the generator.
    """
    latents = np.asarray(arguments.codes("latents", latents, generator, "images"))
    with jax.enable_x64(True):
        jacobians = [_at(generator, jnp.asarray(latent))[1] for latent in latents]
    return np.array([np.linalg.cond(jacobian) for jacobian in jacobians])


def _find(
    generator: FinishedGenerator,
    starts: Float[np.ndarray, "images starts latent"],
    images: Float[np.ndarray, "images 28 28 1"],
    max_steps: int,
    double_steps: int,
) -> tuple[Float[np.ndarray, "images latent"], Float[np.ndarray, "images"]]:
    """Return the best code of each image, and its error."""
    near = search_from(
        _clipped(generator, TIGHT_LOGITS),
        starts,
        _targets(images, TIGHT),
        corners=None,
        max_steps=max_steps,
        double_steps=double_steps,
    )
    found = search_from(
        _clipped(generator, WIDE_LOGITS),
        near.best()[:, None],
        _targets(images, WIDE),
        corners=None,
        max_steps=0,
        double_steps=double_steps,
    )
    with jax.enable_x64(True):
        pairs = zip(found.best(), images.reshape(len(images), -1), strict=True)
        latents, errors = zip(*(_polish(generator, *p) for p in pairs), strict=True)
    return np.stack(latents), np.array(errors)


def _polish(
    generator: FinishedGenerator, latent: np.ndarray, target: np.ndarray
) -> tuple[np.ndarray, float]:
    """Return code and error after Gauss-Newton steps on pixels, which are all exact."""

    def evaluate(latent: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        image, jacobian = map(np.asarray, _at(generator, jnp.asarray(latent)))
        return target - image, jacobian

    missing, jacobian = evaluate(latent)
    for _ in range(GAUSS_NEWTON_STEPS):
        trial = latent + np.linalg.lstsq(jacobian, missing)[0]
        there = evaluate(trial)
        if np.sum(there[0] ** 2) < np.sum(missing**2):
            latent, (missing, jacobian) = trial, there
    return latent, float(np.mean((missing / 2) ** 2))


def _targets(images: np.ndarray, bound: float) -> np.ndarray:
    least = np.tanh(bound)
    return np.arctanh(np.clip(images.reshape(len(images), -1), -least, least))
