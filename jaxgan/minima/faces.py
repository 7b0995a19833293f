"""The objective ½‖G(z) − x‖² + ½κ‖z‖² to second order, on a face of its kinks.

The kinks of one unit are its *facet*, a surface on whose two sides the unit has
different slopes. A *face* is where all held facets meet; the objective is smooth on it.
"""

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from jaxgan.networks import FinishedGenerator
from jaxgan.networks.piecewise import (
    curvature_of_logits,
    error_derivatives,
    region,
    require_kinks,
    signals,
    units_at,
)
from jaxgan.types import Latent, Scalar

RELATIVE_CURVATURE = 1e-10
"""Least curvature that a step trusts, in units of the largest."""


class State(NamedTuple):
    """A point on its way to a minimum.

    Attributes:
        latent: the point.
        positive: whether it is on the positive side of each unit's facet; not read
            while the facet is held.
        held: the units whose facets the point stays on.
        finished: whether the point is stationary on its face, with all multipliers
            within their bounds: its Newton step is shorter than 1e-10 relative to
            1 + ‖z‖. Also true where a step was not finite.
    """

    latent: Float[Array, "latent"]
    positive: Bool[Array, "units"]
    held: Bool[Array, "units"]
    finished: Bool[Array, ""]


class Local(NamedTuple):
    """The objective to second order around a point.

    Attributes:
        units: pre-activations of all units.
        normals: gradients of the pre-activations.
        gradient: of the objective, with held units on their negative side.
        hessian: of the objective, likewise.
        active: normals of the held units, padded with zeros to the latent dimension.
        numbers: numbers of the held units, padded with the number of all units.
        inverse: inverse matrix of the inner products of `active`, with ones on the
            diagonal where padded. It is computed once, and `tangent` needs it before
            its eigenvectors: XLA's CPU client can lock up where two batched LAPACK
            calls run side by side.
        output: derivative of the error by the logits.
    """

    units: Float[Array, "units"]
    normals: Float[Array, "units latent"]
    gradient: Float[Array, "latent"]
    hessian: Float[Array, "latent latent"]
    active: Float[Array, "latent latent"]
    numbers: Array
    inverse: Float[Array, "latent latent"]
    output: Float[Array, "pixels"]


def jump(generator: FinishedGenerator) -> float:
    """Return the difference 1 − α of the slopes on the two sides of a facet."""
    return 1 - require_kinks(generator)


def start(generator: FinishedGenerator, latent: Latent) -> State:
    """Return the first state of a point that is on no facet."""
    units = units_at(generator, latent)
    return State(latent, units > 0, jnp.zeros(units.shape, bool), jnp.array(False))


def value(
    generator: FinishedGenerator,
    latent: Latent,
    target: Float[Array, "pixels"],
    prior_weight: float | Scalar = 0.0,
) -> Scalar:
    """Return ½‖G(z) − x‖² + ½κ‖z‖², κ the prior weight, in the generator's units."""
    residual = generator.generate(latent[None]).reshape(-1) - target
    return 0.5 * (residual @ residual + prior_weight * (latent @ latent))


def mean_squared_error(
    generator: FinishedGenerator, latent: Latent, target: Float[Array, "pixels"]
) -> Scalar:
    """Return the mean squared error per pixel, for pixels in [0, 1]."""
    square = 2 * value(generator, latent, target)
    return generator.mean_squared_error(square, target.size)


def local(
    generator: FinishedGenerator,
    state: State,
    target: Float[Array, "pixels"],
    prior_weight: float | Scalar = 0.0,
) -> Local:
    """Return the objective to second order at a state."""
    latent = state.latent
    here = region(generator, latent, state.positive & ~state.held)
    output, curvature = error_derivatives(generator.network.output, here.logits, target)
    hessian = here.jacobian.T @ (curvature[:, None] * here.jacobian)
    hessian = hessian + prior_weight * jnp.eye(len(latent), dtype=latent.dtype)
    hessian = hessian + curvature_of_logits(generator, latent, output)
    (numbers,) = jnp.nonzero(state.held, size=len(latent), fill_value=len(here.units))
    valid = numbers < len(here.units)
    active = jnp.pad(here.normals, ((0, 1), (0, 0)))[numbers]
    gram = active @ active.T + jnp.diag((~valid).astype(latent.dtype))
    return Local(
        here.units,
        here.normals,
        here.jacobian.T @ output + prior_weight * latent,
        hessian,
        active,
        numbers,
        jnp.linalg.inv(gram),
        output,
    )


def tangent(at: Local) -> tuple[Array, Array, Array]:
    """Return eigenvalues and eigenvectors of the Hessian on the face.

    The third array tells which of them belong to directions along the face.
    """
    identity = jnp.eye(len(at.gradient), dtype=at.gradient.dtype)
    onto = identity - at.active.T @ at.inverse @ at.active
    # Off the face the eigenvalue is far above every other.
    above = 1 + 2 * jnp.abs(at.hessian).sum()
    values, vectors = jnp.linalg.eigh(
        onto @ at.hessian @ onto + above * (identity - onto)
    )
    return values, vectors, values < above / 2


def newton_change(at: Local) -> Float[Array, "latent"]:
    """Return the Newton step to the face and along it, with positive curvatures."""
    heights = jnp.pad(at.units, (0, 1))[at.numbers]
    back = -at.active.T @ (at.inverse @ heights)
    values, vectors, on_face = tangent(at)
    largest = jnp.max(jnp.where(on_face, jnp.abs(values), 0.0))
    least = RELATIVE_CURVATURE * largest + jnp.finfo(values.dtype).tiny
    slope = at.gradient + at.hessian @ back
    sizes = jnp.maximum(jnp.abs(values), least)
    along = jnp.where(on_face, vectors.T @ slope / sizes, 0.0)
    return back - vectors @ along


def pushes(at: Local, slope: Float[Array, "latent"]) -> Float[Array, "latent"]:
    """Return the multipliers that balance a gradient, one for each row of `active`."""
    return -at.inverse @ (at.active @ slope)


def multipliers(
    generator: FinishedGenerator, state: State, at: Local, slope: Float[Array, "latent"]
) -> tuple[Float[Array, "units"], Float[Array, "units"]]:
    """Return the multiplier λ of each held facet and its upper bound (1 − α) δ.

    A facet attracts the point from both sides if 0 ≤ λ ≤ (1 − α) δ. With the gradient g
    on the negative sides and the pre-activations h of the held units, g + Σ λ ∇h = 0 on
    the face. δ is the signal that arrives at the activation of a held unit from the
    layers above, and α the slope on the negative side; a held unit passes on α δ + λ.

    Args:
        generator: in the precision of the state.
        state: the point.
        at: the objective to second order there.
        slope: the gradient g to balance.
    """
    found = pushes(at, slope)
    zeros = jnp.zeros(at.units.shape, slope.dtype)
    spread = jnp.pad(zeros, (0, 1)).at[at.numbers].set(found)[:-1]
    arriving = signals(
        generator, state.latent, state.positive & ~state.held, at.output, spread
    )
    return spread, jump(generator) * arriving
