"""Dense Levenberg-Marquardt steps for min ½‖G(z) − x‖² + ½κ‖z‖², for one instance."""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxgan.types import Example, Examples, Latent, Latents, Scalar

DAMPING = 1e-2
"""Relative to the mean diagonal of JᵀJ, at the start."""
LEAST_DAMPING = 1e-14
CORRECTIONS = 2
"""Further steps with the same factorisation, for a gradient each."""


class State(NamedTuple):
    """One instance.

    Attributes:
        latent: the best point so far.
        value: ½‖G(z) − x‖² + ½κ‖z‖² there, in the networks' units; infinite if it is
            not finite.
        damping: μ, relative to the mean diagonal of JᵀJ.
        growth: factor of the damping after the next refused step.
    """

    latent: Float[Array, "latent"]
    value: Float[Array, ""]
    damping: Float[Array, ""]
    growth: Float[Array, ""]


def begin(latent: Latent) -> State:
    """Begin at a point whose value is not known yet."""
    one = jnp.ones((), latent.dtype)
    return State(latent, jnp.inf * one, DAMPING * one, 2.0 * one)


def evaluate(
    generate: Callable[[Latents], Examples],
    state: State,
    target: Example,
    prior_weight: float | Scalar,
) -> State:
    """Evaluate a state, new or of another generator."""
    residual = _residual(generate, state.latent, target)
    value = _value(residual, state.latent, prior_weight)
    return state._replace(value=jnp.where(jnp.isfinite(value), value, jnp.inf))


def step(
    generate: Callable[[Latents], Examples],
    state: State,
    target: Example,
    prior_weight: float | Scalar,
) -> State:
    """Try one step; the damping follows the gain ratio (Nielsen 1999, IMM-REP-1999-05).

    After an accepted step come corrections with the gradient there and the matrix from
    before (Fan 2012, "The modified Levenberg-Marquardt method", Math. Comp. 81, eq.
    2.2): they cost a thirtieth of a step. Whatever does not lower the value is refused,
    so that nothing that is not finite is ever accepted.
    """

    def residuals(latent: Latent) -> Array:
        return _residual(generate, latent, target)

    latent = state.latent
    identity = jnp.eye(len(latent), dtype=latent.dtype)
    residual = residuals(latent)
    jacobian = jax.jacfwd(residuals)(latent)
    gradient = jacobian.T @ residual + prior_weight * latent
    normal = jacobian.T @ jacobian + prior_weight * identity
    shift = state.damping * jnp.trace(normal) / len(latent)
    factor = jnp.linalg.cholesky(normal + shift * identity)
    change = -jax.scipy.linalg.cho_solve((factor, True), gradient)
    trial = latent + change
    value = _value(residuals(trial), trial, prior_weight)
    predicted = 0.5 * change @ (shift * change - gradient)
    accepted = (value < state.value) & (predicted > 0)
    gain = (state.value - value) / predicted
    easier = state.damping * jnp.maximum(1 / 3, 1 - (2 * gain - 1) ** 3)

    latent = jnp.where(accepted, trial, latent)
    value = jnp.where(accepted, value, state.value)
    going = accepted
    for _ in range(CORRECTIONS):
        residual, pull_back = jax.vjp(residuals, latent)
        gradient = pull_back(residual)[0] + prior_weight * latent
        trial = latent - jax.scipy.linalg.cho_solve((factor, True), gradient)
        found = _value(residuals(trial), trial, prior_weight)
        going &= found < value
        latent = jnp.where(going, trial, latent)
        value = jnp.where(going, found, value)
    return State(
        latent=latent,
        value=value,
        damping=jnp.where(
            accepted,
            jnp.maximum(easier, LEAST_DAMPING),
            state.damping * state.growth,
        ),
        growth=jnp.where(accepted, 2.0, 2.0 * state.growth),
    )


def _residual(
    generate: Callable[[Latents], Examples], latent: Latent, target: Example
) -> Array:
    return generate(latent[None]).reshape(-1) - target.reshape(-1)


def _value(residual: Array, latent: Latent, prior_weight: float | Scalar) -> Scalar:
    return 0.5 * (residual @ residual + prior_weight * (latent @ latent))
