"""Gradient penalties: the right one, and those that people write by mistake."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import optax
from jax import Array

Score = Callable[[Array], Array]


def _between(key: Array, real: Array, fake: Array, shape: tuple[int, ...]) -> Array:
    return fake + jax.random.uniform(key, shape) * (real - fake)


def _one_each(real: Array) -> tuple[int, ...]:
    return (len(real),) + (1,) * (real.ndim - 1)


def _norms(score: Score, points: Array) -> Array:
    gradients = jax.vmap(jax.grad(score))(points)
    return jax.vmap(lambda g: optax.safe_norm(g, 1e-12))(gradients)


def right(score: Score, key: Array, real: Array, fake: Array) -> Array:
    """Return the penalty of Gulrajani et al. 2017."""
    points = _between(key, real, fake, _one_each(real))
    return jnp.mean((_norms(score, points) - 1) ** 2)


def norm_over_the_batch(score: Score, key: Array, real: Array, fake: Array) -> Array:
    """The norm is over all images together."""
    points = _between(key, real, fake, _one_each(real))
    gradients = jax.vmap(jax.grad(score))(points)
    return (optax.safe_norm(gradients, 1e-12) - 1) ** 2


def norm_over_channels(score: Score, key: Array, real: Array, fake: Array) -> Array:
    """The norm is over the channels of each pixel."""
    points = _between(key, real, fake, _one_each(real))
    gradients = jax.vmap(jax.grad(score))(points)
    return jnp.mean((jnp.sqrt(jnp.sum(gradients**2, axis=-1) + 1e-12) - 1) ** 2)


def no_square_root(score: Score, key: Array, real: Array, fake: Array) -> Array:
    """The squared norm is compared with 1."""
    points = _between(key, real, fake, _one_each(real))
    return jnp.mean((_norms(score, points) ** 2 - 1) ** 2)


def no_square(score: Score, key: Array, real: Array, fake: Array) -> Array:
    """The distance from 1 is not squared."""
    points = _between(key, real, fake, _one_each(real))
    return jnp.mean(jnp.abs(_norms(score, points) - 1))


def one_sided(score: Score, key: Array, real: Array, fake: Array) -> Array:
    """Norms below 1 cost nothing."""
    points = _between(key, real, fake, _one_each(real))
    return jnp.mean(jnp.maximum(_norms(score, points) - 1, 0.0) ** 2)


def sum_over_images(score: Score, key: Array, real: Array, fake: Array) -> Array:
    """The sum, so that the weight depends on the batch size."""
    points = _between(key, real, fake, _one_each(real))
    return jnp.sum((_norms(score, points) - 1) ** 2)


def mean_too_early(score: Score, key: Array, real: Array, fake: Array) -> Array:
    """The penalty of the mean norm."""
    points = _between(key, real, fake, _one_each(real))
    return (jnp.mean(_norms(score, points)) - 1) ** 2


def one_epsilon_for_all(score: Score, key: Array, real: Array, fake: Array) -> Array:
    """One random number for the whole batch."""
    points = _between(key, real, fake, (1,) * real.ndim)
    return jnp.mean((_norms(score, points) - 1) ** 2)


def an_epsilon_each_pixel(score: Score, key: Array, real: Array, fake: Array) -> Array:
    """Another random number for each pixel."""
    points = _between(key, real, fake, real.shape)
    return jnp.mean((_norms(score, points) - 1) ** 2)


def at_real_images(score: Score, key: Array, real: Array, fake: Array) -> Array:
    """At the real images, as another penalty (R1) is."""
    del key, fake
    return jnp.mean((_norms(score, real) - 1) ** 2)


def without_gradient(score: Score, key: Array, real: Array, fake: Array) -> Array:
    """The critic learns nothing of it."""
    return jax.lax.stop_gradient(right(score, key, real, fake))


def not_finite_when_flat(score: Score, key: Array, real: Array, fake: Array) -> Array:
    """The derivative of the norm at 0 is 0/0."""
    points = _between(key, real, fake, _one_each(real))
    gradients = jax.vmap(jax.grad(score))(points).reshape(len(real), -1)
    return jnp.mean((jnp.sqrt(jnp.sum(gradients**2, axis=1)) - 1) ** 2)


MISTAKES = {
    "norm over the batch": norm_over_the_batch,
    "norm over the channels": norm_over_channels,
    "no square root": no_square_root,
    "no square": no_square,
    "one-sided": one_sided,
    "sum over the images": sum_over_images,
    "mean taken too early": mean_too_early,
    "one ε for the batch": one_epsilon_for_all,
    "an ε for each pixel": an_epsilon_each_pixel,
    "at the real images": at_real_images,
    "without a gradient": without_gradient,
    "not finite when flat": not_finite_when_flat,
}
"""Penalties that are wrong, by what is wrong with them."""
