"""Dense Levenberg-Marquardt steps that minimise ½‖G(z) − x‖² + ½κ‖z‖² for one image."""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Float

from jaxgan.inversion import quasi_newton
from jaxgan.inversion.quasi_newton import Point
from jaxgan.types import Example, Examples, Latent, Latents, Scalar

DAMPING = 1e-2
"""First damping, relative to the mean diagonal of JᵀJ + κI."""
LEAST_DAMPING = 1e-14
MOST_DAMPING = 1e18
"""Also of its growth: their product must be finite in single precision."""
CORRECTIONS = 16
"""Quasi-Newton steps after the one with the Jacobian; each costs one gradient."""


class State(NamedTuple):
    """The search from one start.

    Attributes:
        latent: the best point so far.
        value: ½‖G(z) − x‖² + ½κ‖z‖² there, in the networks' units; infinite while it is
            unknown and where it is not finite.
        damping: μ, relative to the mean diagonal of JᵀJ + κI.
        growth: factor of the damping after the next refused step.
    """

    latent: Float[Array, "latent"]
    value: Float[Array, ""]
    damping: Float[Array, ""]
    growth: Float[Array, ""]


def begin(latent: Latent) -> State:
    """Return the first state of a start, with its value unknown."""
    one = jnp.ones((), latent.dtype)
    return State(latent, jnp.inf * one, DAMPING * one, 2.0 * one)


def evaluate(
    generate: Callable[[Latents], Examples],
    state: State,
    target: Example,
    prior_weight: float | Scalar,
) -> State:
    """Return the state with its value recomputed.

    Needed after `begin`, and when the generator has changed.
    """
    residual = _residual(generate, state.latent, target)
    value = _value(residual, state.latent, prior_weight)
    return state._replace(value=jnp.where(jnp.isfinite(value), value, jnp.inf))


def step(
    generate: Callable[[Latents], Examples],
    state: State,
    target: Example,
    prior_weight: float | Scalar,
) -> State:
    """Return the state after a step with the Jacobian, accepted or not, and others.

    The damping is adapted by the gain ratio (Nielsen 1999, IMM-REP-1999-05). The
    Jacobian costs as much as fifty gradients, so its matrix serves for `CORRECTIONS`
    further steps, and learns from the gradient of each (`quasi_newton`). Nothing is
    accepted that does not lower the value, so that the state stays finite. Derivatives
    are those of the steps that were taken.

    Args:
        generate: from latents to images.
        state: its value must be known.
        target: in the units of `generate`.
        prior_weight: κ ≥ 0.
    """

    def residuals(latent: Latent) -> Array:
        return _residual(generate, latent, target)

    def value_and_gradient(latent: Latent) -> tuple[Scalar, Latent]:
        residual, pull_back = jax.vjp(residuals, latent)
        gradient = pull_back(residual)[0] + prior_weight * latent
        return _value(residual, latent, prior_weight), gradient

    latent = state.latent
    identity = jnp.eye(len(latent), dtype=latent.dtype)
    residual = residuals(latent)
    jacobian = jax.jacfwd(residuals)(latent)
    gradient = jacobian.T @ residual + prior_weight * latent
    normal = jacobian.T @ jacobian + prior_weight * identity
    shift = state.damping * jnp.trace(normal) / len(latent)
    inverse = _inverse(normal + shift * identity)
    change = -inverse @ gradient
    trial = Point(latent + change, *value_and_gradient(latent + change))
    predicted = 0.5 * change @ (shift * change - gradient)
    accepted = (trial.value < state.value) & (predicted > 0)
    # A gain above 1 counts as 1. Without these steps, and those that are not accepted,
    # nothing is divided by zero, which even a result that is not used must not be in
    # a function with derivatives.
    fall = state.value - trial.value
    telling = accepted & (fall < predicted)
    gain = jnp.where(telling, fall, 1.0) / jnp.where(telling, predicted, 1.0)
    easier = state.damping * jnp.maximum(1 / 3, 1 - (2 * gain - 1) ** 3)

    begun = Point(latent, state.value, gradient)
    inverse = quasi_newton.corrected(inverse, change, trial.gradient - gradient)
    point = optax.tree.where(accepted, trial, begun)
    point = quasi_newton.steps(value_and_gradient, inverse, point, CORRECTIONS)
    return State(
        latent=point.latent,
        value=point.value,
        damping=jnp.where(
            accepted,
            jnp.maximum(easier, LEAST_DAMPING),
            jnp.minimum(state.damping * state.growth, MOST_DAMPING),
        ),
        growth=jnp.where(accepted, 2.0, jnp.minimum(2.0 * state.growth, MOST_DAMPING)),
    )


def _inverse(matrix: Float[Array, "latent latent"]) -> Float[Array, "latent latent"]:
    """Return the inverse of a positive definite matrix.

    It is 0 where the matrix is not positive definite or not finite. Its derivatives are
    those of the inverse, and need none of the Cholesky factor.
    """
    factor = jnp.linalg.cholesky(jax.lax.stop_gradient(matrix))
    found = jnp.isfinite(factor).all()

    def by_factor(_, right: Array) -> Array:
        return jnp.where(found, jax.scipy.linalg.cho_solve((factor, True), right), 0.0)

    return jax.lax.custom_linear_solve(
        lambda x: matrix @ x,
        jnp.eye(len(matrix), dtype=matrix.dtype),
        by_factor,
        symmetric=True,
    )


def _residual(
    generate: Callable[[Latents], Examples], latent: Latent, target: Example
) -> Array:
    return generate(latent[None]).reshape(-1) - target.reshape(-1)


def _value(residual: Array, latent: Latent, prior_weight: float | Scalar) -> Scalar:
    return 0.5 * (residual @ residual + prior_weight * (latent @ latent))
