"""What can be wrong with a gradient penalty."""

from collections.abc import Callable, Iterator
from typing import TypeAlias

import jax
import jax.numpy as jnp
from jax import Array

Penalty: TypeAlias = Callable[[Callable[[Array], Array], Array, Array, Array], Array]
KEY = jax.random.key(0)
IMAGE = (4, 4, 1)
MANY = 4096
"""Pairs of images, so that a mean over random points is known to a few percent."""


def check(penalty: Penalty) -> Iterator[str]:
    """Yield what is wrong with a penalty, from what is simplest to what is rare."""
    found = list(_of_a_linear_critic(penalty)) or list(_where_it_is_taken(penalty))
    yield from found
    if not found:
        yield from _its_own_gradient(penalty)


def _of_a_linear_critic(penalty: Penalty) -> Iterator[str]:
    """For D(x) = w·x the gradient is w everywhere, and the penalty (‖w‖ − 1)²."""
    real, fake = jax.random.normal(KEY, (2, 8, *IMAGE))
    direction = jax.random.normal(KEY, IMAGE)
    direction = direction / jnp.linalg.norm(direction)
    got = {}
    for norm in (0.5, 3.0):
        weight = norm * direction
        value = penalty(lambda x, w=weight: jnp.sum(w * x), KEY, real, fake)
        if jnp.shape(value) != ():
            yield f"It must return one number, not an array {list(jnp.shape(value))}."
            return
        got[norm] = float(value)

    def is_always(formula: Callable[[float], float]) -> bool:
        return all(abs(got[n] - formula(n)) < 1e-3 * (1 + formula(n)) for n in got)

    if is_always(lambda n: (n - 1) ** 2):
        return
    if is_always(lambda n: (n**2 - 1) ** 2):
        yield "The square root is missing: the norm is √Σ g², over all pixels."
    elif is_always(lambda n: max(n - 1, 0.0) ** 2):
        yield (
            "Norms below 1 cost nothing: this is the one-sided penalty. Asked for is "
            "the one that also pulls small norms up to 1."
        )
    elif is_always(lambda n: abs(n - 1)):
        yield "The square is missing: (‖∇D‖ − 1)²."
    elif is_always(lambda n: 8 * (n - 1) ** 2):
        yield "It is the sum over the images. Asked for is the mean."
    elif is_always(lambda n: (8**0.5 * n - 1) ** 2):
        yield (
            "The norm is over the whole batch: for eight images it is √8 times too "
            "large. Each image has a norm of its own: use jax.vmap."
        )
    elif is_always(lambda n: (n / 8**0.5 - 1) ** 2):
        yield (
            "The gradient is that of the mean score and its norm is over the whole "
            "batch. Each image has a norm of its own: use jax.vmap."
        )
    else:
        yield (
            "For a linear critic D(x) = w·x the gradient is w, and the penalty (‖w‖ − "
            f"1)²: 4 for a norm of 3, yours is {got[3.0]:.3f}. Is the norm over all "
            "pixels of an image, not over each pixel's channels?"
        )


def _where_it_is_taken(penalty: Penalty) -> Iterator[str]:
    """For D(x) = ½‖x‖² the gradient is x̂: the penalty tells where it was taken.

    Between a real image of norm 3 and a fake one of norm 0 the norm is 3 ε, and the
    mean of (3 ε − 1)² over ε in [0, 1] is 1.
    """
    real = jnp.full((MANY, *IMAGE), 3.0 / 4.0)
    fake = jnp.zeros_like(real)

    def value(seed: int, real: Array = real, fake: Array = fake) -> float:
        key = jax.random.key(seed)
        return float(penalty(lambda x: jnp.sum(x * x) / 2, key, real, fake))

    values = [value(seed) for seed in range(4)]
    if max(abs(v - 1.0) for v in values) < 0.1:
        apart = value(0, real, jax.random.permutation(KEY, fake))
        if abs(apart - values[0]) > 1e-3:
            yield "It depends on more than the images and the key."
        return
    if max(abs(v - 4.0) for v in values) < 1e-3:
        yield "It is taken at the real images, not at random points between."
    elif max(abs(v - 1.0) for v in values) < 1e-3:
        yield "It is taken at the fake images, not at random points between."
    elif max(values) - min(values) > 0.1:
        yield (
            "It changes much with the key, even for thousands of images: there is one "
            "ε for the whole batch. Each image has its own."
        )
    elif max(abs(v - 0.53) for v in values) < 0.05:
        yield (
            "There is another ε for each pixel: x̂ is then not between the two images. "
            "Each image has one, for all of its pixels."
        )
    elif max(abs(v - 0.25) for v in values) < 0.1:
        yield (
            "The mean is taken too early, over norms or points: the penalty of the "
            "mean norm is not the mean of the penalties."
        )
    else:
        yield (
            "At random points between two images of norm 3 and 0 the penalty of "
            f"D(x) = ½‖x‖² must be 1 on average; yours is {values[0]:.2f}. x̂ is ε "
            "real + (1 − ε) fake, ε uniform in [0, 1]."
        )


def _its_own_gradient(penalty: Penalty) -> Iterator[str]:
    """A penalty is there to be differentiated by the weights of the critic."""
    real, fake = jax.random.normal(KEY, (2, 8, *IMAGE))

    def of_scale(scale: Array) -> Array:
        return penalty(lambda x: scale * jnp.sum(x), KEY, real, fake)

    slope = jax.grad(of_scale)(jnp.float32(1.0))  # (4 s − 1)², by s
    if abs(float(slope) - 24.0) > 1e-2:
        yield (
            "It has no gradient by the weights of the critic, or a wrong one: there is "
            "a stop_gradient or a constant where the critic's own gradient should be."
        )
        return
    slope = jax.grad(of_scale)(jnp.float32(0.0))
    if not jnp.isfinite(slope):
        yield (
            "Where the critic is flat its gradient is NaN: the derivative of the "
            "square root at 0. Use optax.safe_norm, or √(Σ g² + 1e-12)."
        )
