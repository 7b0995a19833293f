"""BFGS steps that follow an expensive step and cost a gradient each.

The matrix of second derivatives that a Newton or Gauss-Newton step needs costs as much
as fifty gradients. It serves for more than one step: the inverse is corrected after
each gradient, so that it maps the changes of the gradient to those of the point that
made them (Nocedal and Wright 2006, "Numerical Optimization", equation 6.17).
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Float

from jaxgan.types import Latent, Scalar

LEAST_COSINE = 1e-8
"""Of the angle between a step and the change of the gradient: below it, the objective
does not curve up along the step, and the matrix stays as it is."""
SHORTER = 0.3
"""Factor of the length of the next step after one that was refused."""


class Point(NamedTuple):
    """A point of a search.

    Attributes:
        latent: where it is.
        value: of the objective there.
        gradient: of the objective there.
    """

    latent: Float[Array, "latent"]
    value: Float[Array, ""]
    gradient: Float[Array, "latent"]


def corrected(
    inverse: Float[Array, "latent latent"], step: Latent, change: Latent
) -> Float[Array, "latent latent"]:
    """Return the inverse matrix after BFGS's correction.

    Args:
        inverse: symmetric and positive semi-definite; it stays so.
        step: difference of two points.
        change: difference of the gradients there.
    """
    product = step @ change
    lengths = (step @ step) * (change @ change)
    # False for NaN. Nothing is divided by zero where this is not used.
    curved = (product > 0) & (product * product > LEAST_COSINE**2 * lengths)
    share = jnp.where(curved, 1.0, 0.0) / jnp.where(curved, product, 1.0)
    change = jnp.where(curved, change, 0.0)
    mapped = inverse @ change
    crossed = share * jnp.outer(step, mapped)
    weight = share * (share * (change @ mapped) + 1)
    return inverse - (crossed + crossed.T) + weight * jnp.outer(step, step)


def steps(
    value_and_gradient: Callable[[Latent], tuple[Scalar, Latent]],
    inverse: Float[Array, "latent latent"],
    begun: Point,
    count: int,
    longest: float | Scalar = jnp.inf,
) -> Point:
    """Return the best point after steps that cost a gradient each.

    A step that does not lower the value is refused; the gradient there still corrects
    the matrix, and the next step is shorter.

    Args:
        value_and_gradient: of the objective, at a point.
        inverse: about the inverse matrix of second derivatives, positive semi-definite.
        begun: where to begin.
        count: number of steps.
        longest: greatest length of a step. A longer one can leave the basin of the
            minimum that is near.
    """

    def body(carry, _):
        inverse, point, length = carry
        step = -length * (inverse @ point.gradient)
        square = step @ step
        # Nothing is divided by zero, and no root of zero is differentiated.
        long = square > longest * longest
        step *= jnp.where(long, longest / jnp.sqrt(jnp.where(long, square, 1.0)), 1.0)
        latent = point.latent + step
        trial = Point(latent, *value_and_gradient(latent))
        lower = trial.value < point.value  # False for NaN
        inverse = corrected(inverse, step, trial.gradient - point.gradient)
        point = optax.tree.where(lower, trial, point)
        length = jnp.where(lower, jnp.minimum(2 * length, 1.0), SHORTER * length)
        return (inverse, point, length), None

    one = jnp.ones((), begun.latent.dtype)
    return jax.lax.scan(body, (inverse, begun, one), length=count)[0][1]
