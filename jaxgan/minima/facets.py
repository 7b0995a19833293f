"""Minima of ½‖G(z) − x‖² + ½κ‖z‖² exactly, with kinks: an active-set Newton method.

In a region of the generator's leaky ReLUs the objective is smooth. Steps go as far as
the next facet. A facet that attracts is *held*: further steps stay on it, until its
multiplier says that the objective falls off on one of its sides.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from jaxgan.networks import NEGATIVE_SLOPE
from jaxgan.networks.piecewise import (
    Layers,
    error_derivatives,
    logits_at,
    region,
    signals,
    units_at,
)
from jaxgan.types import Latent, Scalar

FRACTIONS = (1.0, 0.5, 0.1, 0.01)
"""Of the way to the next facet."""
FAR = (1.0, 0.5, 0.2, 0.05, 0.01)
"""Of the Newton step, through whatever facets are on its way."""
JUMP = 1 - NEGATIVE_SLOPE
RELATIVE_CURVATURE = 1e-10
TINY_STEP = 1e-10


class State(NamedTuple):
    """One instance.

    Attributes:
        latent: the point.
        positive: the side of each unit; of a held one, where it is let go to.
        held: which units' facets the point stays on.
        finished: whether it is a stationary point of its face, by a Newton step of
            length below 1e-10 relative to 1 + ‖z‖, with all multipliers in range.
    """

    latent: Float[Array, "latent"]
    positive: Bool[Array, "units"]
    held: Bool[Array, "units"]
    finished: Bool[Array, ""]


class Local(NamedTuple):
    """The objective to second order, on the face of the held facets.

    Attributes:
        units: pre-activations.
        normals: their gradients.
        gradient: in the region, held units on their negative side.
        hessian: in the region.
        active: normals of the held units, padded with zeros to the latent dimension.
        numbers: which units these are; the number of units where padded.
        inverse: of the inner products of `active`, ones on the diagonal where padded.
            The only one, and the eigenvectors of `tangent` wait for it: XLA's CPU
            client can lock up where two batched LAPACK calls run side by side.
        output: derivative by the logits.
    """

    units: Float[Array, "units"]
    normals: Float[Array, "units latent"]
    gradient: Float[Array, "latent"]
    hessian: Float[Array, "latent latent"]
    active: Float[Array, "latent latent"]
    numbers: Array
    inverse: Float[Array, "latent latent"]
    output: Float[Array, "pixels"]


def start(layers: Layers, latent: Latent) -> State:
    """Begin at a point that is on no facet."""
    units = units_at(layers, latent)
    return State(latent, units > 0, jnp.zeros(units.shape, bool), jnp.array(False))


def value(
    layers: Layers,
    latent: Latent,
    target: Float[Array, "pixels"],
    prior_weight: float | Scalar = 0.0,
) -> Scalar:
    """½‖G(z) − x‖² + ½κ‖z‖²."""
    residual = jnp.tanh(logits_at(layers, latent)) - target
    return 0.5 * (residual @ residual + prior_weight * (latent @ latent))


def local(
    layers: Layers,
    state: State,
    target: Float[Array, "pixels"],
    prior_weight: float | Scalar = 0.0,
) -> Local:
    """Expand the objective at a state."""
    latent = state.latent
    here = region(layers, latent, state.positive & ~state.held)
    output, curvature = error_derivatives(here.logits, target)
    hessian = here.jacobian.T @ (curvature[:, None] * here.jacobian)
    hessian = hessian + prior_weight * jnp.eye(len(latent), dtype=latent.dtype)
    (numbers,) = jnp.nonzero(state.held, size=len(latent), fill_value=len(here.units))
    valid = numbers < len(here.units)
    active = jnp.where(valid[:, None], here.normals.at[numbers].get(mode="clip"), 0.0)
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
    """Eigenvalues and vectors of the Hessian on the face, and which are on it."""
    identity = jnp.eye(len(at.gradient), dtype=at.gradient.dtype)
    onto = identity - at.active.T @ at.inverse @ at.active
    # Off the face the eigenvalue is far above every other.
    above = 1 + 2 * jnp.abs(at.hessian).sum()
    values, vectors = jnp.linalg.eigh(
        onto @ at.hessian @ onto + above * (identity - onto)
    )
    return values, vectors, values < above / 2


def multipliers(
    layers: Layers, state: State, at: Local, slope: Float[Array, "latent"]
) -> tuple[Float[Array, "units"], Float[Array, "units"]]:
    """Give λ, and (1 − α) δ that bounds it: λ in [0, (1 − α) δ] where facets attract.

    With the gradient g on the negative sides, g + Σ λ ∇h = 0 on the face; δ is the
    signal that arrives at the activation of a held unit from the layers above, held
    ones of which pass on α δ + λ.

    Args:
        layers: of the network.
        state: where.
        at: the objective there.
        slope: the gradient to balance.
    """
    found = -at.inverse @ (at.active @ slope)
    zeros = jnp.zeros(at.units.shape, slope.dtype)
    spread = zeros.at[at.numbers].set(found, mode="drop")
    arriving = signals(layers, state.positive & ~state.held, at.output, spread)
    return spread, JUMP * arriving


def step(
    layers: Layers,
    state: State,
    target: Float[Array, "pixels"],
    prior_weight: float | Scalar = 0.0,
) -> State:
    """Take one Newton step on the face: to the next facet, or on if that is lower."""
    at = local(layers, state, target, prior_weight)
    heights = at.units.at[at.numbers].get(mode="fill", fill_value=0.0)
    back = -at.active.T @ (at.inverse @ heights)
    values, vectors, on_face = tangent(at)
    largest = jnp.max(jnp.where(on_face, jnp.abs(values), 0.0))
    bounded = jnp.maximum(jnp.abs(values), RELATIVE_CURVATURE * largest + 1e-300)
    slope = at.gradient + at.hessian @ back
    along = jnp.where(on_face, vectors.T @ slope / bounded, 0.0)
    change = back - vectors @ along

    # The next facet on the way: the pre-activations are affine until then.
    rates = at.normals @ change
    ahead = at.units + rates
    crosses = ~state.held & ((ahead > 0) != state.positive)
    times = jnp.where(crosses, jnp.clip(-at.units / rates, 0.0, 1.0), jnp.inf)
    unit = jnp.argmin(times)
    longest = jnp.minimum(times[unit], 1.0)

    lengths = longest * jnp.array(FRACTIONS, at.gradient.dtype)
    trials = jax.vmap(
        lambda t: value(layers, state.latent + t * change, target, prior_weight)
    )
    found = trials(lengths)
    far = jnp.array(FAR, at.gradient.dtype)
    beyond = jnp.where(far > longest, trials(far), jnp.inf)
    length = lengths[jnp.argmin(jnp.where(jnp.isfinite(found), found, jnp.inf))]
    arrived = (length == longest) & (times[unit] <= 1)
    latent = state.latent + length * change

    # Descent that goes on behind the facet crosses it; else the facet is held. So is
    # one that was reached at once: steps from both sides could cross it to and fro.
    zeros = jnp.zeros(at.units.shape, at.gradient.dtype)
    arriving = signals(layers, state.positive & ~state.held, at.output, zeros)
    behind = (at.gradient + length * (at.hessian @ change)) @ change
    behind = behind + JUMP * arriving[unit] * jnp.abs(rates[unit])
    norm = jnp.sqrt(change @ change)
    tiny = TINY_STEP * (1 + jnp.sqrt(latent @ latent))
    stays = (behind >= 0) | (longest * norm < tiny)
    stays &= jnp.sum(state.held) < len(latent)
    hold, cross = arrived & stays, arrived & ~stays
    held = state.held.at[unit].set(state.held[unit] | hold)
    positive = state.positive.at[unit].set(state.positive[unit] ^ cross)

    # At a stationary point of the face, let go of the facet that least attracts.
    rest = ~arrived & (norm < tiny)
    pushes, bounds = multipliers(layers, state, at, at.gradient)
    scale = 1e-9 * (1e-300 + jnp.max(jnp.abs(pushes)))
    below, over = -pushes, pushes - bounds
    worst = jnp.where(state.held, jnp.maximum(below, over), -jnp.inf)
    loose = jnp.argmax(worst)
    let_go = rest & (worst[loose] > scale)
    held = held.at[loose].set(held[loose] & ~let_go)
    positive = positive.at[loose].set(
        jnp.where(let_go, over[loose] > below[loose], positive[loose])
    )
    near = State(latent, positive, held, rest & ~let_go)

    farther = far[jnp.argmin(jnp.where(jnp.isfinite(beyond), beyond, jnp.inf))]
    latent = state.latent + farther * change
    positive = jnp.where(state.held, state.positive, units_at(layers, latent) > 0)
    leap = State(latent, positive, state.held, jnp.array(False))
    lower = jnp.min(beyond) < jnp.min(found)
    after = jax.tree.map(lambda a, b: jnp.where(lower, a, b), leap, near)
    # Where many facets meet a time can be 0/0 or a matrix singular: no step is taken.
    stopped = state._replace(finished=jnp.array(True))
    possible = jnp.all(jnp.isfinite(after.latent))
    return jax.tree.map(lambda a, b: jnp.where(possible, a, b), after, stopped)
