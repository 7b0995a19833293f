"""The search from one start: Levenberg-Marquardt steps, as pure functions."""

from typing import Any, NamedTuple, TypeVar

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Bool

from jaxgan.inversion import levenberg_marquardt as lm
from jaxgan.networks import FinishedGenerator, generate_rounded
from jaxgan.types import Example, Latent, Latents, Scalar

T = TypeVar("T", Array, np.ndarray)

CORNERS = (1.0, 0.01)
"""Widths of rounded corners in the first step and in the last."""
SINGLE_TOLERANCE = 1e-4
DOUBLE_TOLERANCE = 1e-10
"""A start is finished when a step lowers its objective by at most this part of it."""


class Best(NamedTuple):
    """The best point that was found from a start.

    Attributes:
        latent: the point.
        value: ½‖G(z) − x‖² + ½κ‖z‖² there, in the generator's units; infinite where
            nothing was finite.
        error: mean squared error per pixel there, for pixels in [0, 1].
        finished: whether steps gain nothing any more.
    """

    latent: Latent
    value: Scalar
    error: Scalar
    finished: Bool[Array, ""]


def advance(
    generator: FinishedGenerator,
    state: lm.State,
    target: Example,
    prior_weight: float | Scalar,
    width: Scalar | None,
) -> lm.State:
    """Return the state after a step; the value before is computed anew.

    Args:
        generator: whose code is searched.
        state: in the precision to compute in.
        target: in the generator's units.
        prior_weight: κ of an additional ½κ‖z‖².
        width: of the rounded corners; None: steps are taken on the generator itself.
    """

    def current(latents: Latents) -> Array:
        if width is None:
            return generator.generate(latents)
        return generate_rounded(generator, latents, width)

    begun = lm.evaluate(current, state, target, prior_weight)
    return lm.step(current, begun, target, prior_weight)


def require_precision(generator: FinishedGenerator, dtype: Any) -> None:
    """Raise a `ValueError` if images of latents of a type are of another type."""
    latents = jax.ShapeDtypeStruct((1, generator.latent_dim), dtype)
    if jax.eval_shape(generator.generate, latents).dtype != dtype:
        raise ValueError("the generator must compute in the precision of its latents")


def measure(
    generator: FinishedGenerator,
    latent: Latent,
    target: Example,
    prior_weight: float | Scalar,
) -> tuple[Scalar, Scalar]:
    """Return the objective at a point, and the mean squared error per pixel."""
    image = generator.generate(latent[None]).reshape(-1)
    gap = image - target.reshape(-1)
    square, length = jnp.sum(gap * gap), jnp.sum(latent * latent)
    error = generator.mean_squared_error(square, gap.size)
    return 0.5 * (square + prior_weight * length), error


def require_corners(corners: tuple[float, float] | None) -> None:
    """Raise a `ValueError` if these are no two widths."""
    if corners is None:
        return
    if not all(0 < width < np.inf for width in corners):
        raise ValueError(
            f"corners must be two widths above 0 and finite, or None, got {corners}"
        )


def widths(corners: tuple[float, float], max_steps: int) -> np.ndarray:
    """Return the width of the rounded corners in every step; the last is the second."""
    if max_steps > 1:
        return np.geomspace(*corners, max_steps)
    return np.array(corners[-1:] * max_steps)


def gains_nothing(before: T, after: T, tolerance: float) -> Any:
    """Return whether a step lowered a finite value by no more than this part of it.

    A value of exactly zero has nothing left to gain.
    """
    return (after >= (1 - tolerance) * before) & (after < np.inf)


def search(
    generator: FinishedGenerator,
    start: Latent,
    target: Example,
    prior_weight: float | Scalar,
    *,
    corners: tuple[float, float] | None,
    max_steps: int,
    tolerance: float,
) -> Best:
    """Return the best point that steps find from a start.

    Args:
        generator: whose code is searched.
        start: in the precision to compute in.
        target: in the generator's units and in the same precision.
        prior_weight: κ ≥ 0.
        corners: widths of the rounded corners in the first step and in the last; None:
            steps are taken on the generator itself.
        max_steps: greatest number of steps.
        tolerance: without rounded corners, the start is finished when a step lowers its
            value by at most this part of it.
    """

    def better(best: Best, latent: Latent) -> Best:
        value, error = measure(generator, latent, target, prior_weight)
        found = Best(latent, value, error, best.finished)
        return optax.tree.where(value < best.value, found, best)  # False for NaN

    def body(carry, width):
        state, best = carry
        after = advance(
            generator, state, target, prior_weight, width if corners else None
        )
        now = better(best, after.latent)
        if not corners:
            now = now._replace(
                finished=gains_nothing(state.value, after.value, tolerance)
            )
        idle = best.finished | (best.value == 0) | ~jnp.isfinite(best.value)
        return optax.tree.where(idle, carry, (after, now)), None

    infinite = jnp.full((), jnp.inf, start.dtype)
    begun = better(Best(start, infinite, infinite, jnp.array(False)), start)
    every = jnp.asarray(widths(corners or CORNERS, max_steps), start.dtype)
    (_, best), _ = jax.lax.scan(body, (lm.begin(start), begun), every)
    return best._replace(finished=best.finished | (best.value == 0))
