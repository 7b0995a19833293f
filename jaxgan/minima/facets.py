"""An active-set Newton method for exact minima of ½‖G(z) − x‖² + ½κ‖z‖², with kinks.

The objective is smooth but for the kinks of the generator's leaky ReLUs. The kinks of
one unit are its *facet*, a surface on whose two sides the unit has different slopes. A
step goes as far as the next facet. If the objective falls towards a facet from both
sides, the facet is *held*: further steps stay on the *face*, which is where all held
facets meet, until a multiplier shows that the objective falls off on one side.
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Bool, Float, Int

from jaxgan.networks import FinishedGenerator
from jaxgan.networks.piecewise import (
    error_derivatives,
    region,
    require_kinks,
    signals,
    units_at,
)
from jaxgan.types import Latent, Scalar

FRACTIONS = (1.0, 0.5, 0.1, 0.01)
"""Lengths that a step tries, as parts of the way to the next facet."""
FAR = (1.0, 0.5, 0.2, 0.05, 0.01)
"""Further lengths, as parts of the Newton step, through all facets on its way."""
RELATIVE_CURVATURE = 1e-10
"""Least curvature that a step trusts, in units of the largest."""
RELATIVE_EXCESS = 1e-9
"""Of a multiplier beyond its bounds, in units of the largest one."""
TINY_STEP = 1e-10
"""Length of a step, relative to 1 + ‖z‖, below which a point does not move any more."""


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
    found = -at.inverse @ (at.active @ slope)
    zeros = jnp.zeros(at.units.shape, slope.dtype)
    spread = zeros.at[at.numbers].set(found, mode="drop")
    arriving = signals(
        generator, state.latent, state.positive & ~state.held, at.output, spread
    )
    return spread, jump(generator) * arriving


class Facet(NamedTuple):
    """The first facet on the way along a step.

    Attributes:
        unit: number of its unit.
        time: part of the step that leads to it; infinite if no facet is on the way.
        rate: change of the unit's pre-activation over the whole step.
    """

    unit: Int[Array, ""]
    time: Scalar
    rate: Scalar


def step(
    generator: FinishedGenerator,
    state: State,
    target: Float[Array, "pixels"],
    prior_weight: float | Scalar = 0.0,
) -> State:
    """Return the state after one Newton step on the face of the held facets.

    The step ends at the first facet on its way, or beyond it where the objective is
    lower there. A point that does not move any more lets go of a facet that does not
    attract it; if there is none, it is finished. So it is, unmoved, if the step is not
    finite: where many facets meet, a time can be 0/0 or a matrix singular.
    """
    at = local(generator, state, target, prior_weight)
    change = _newton_change(at)
    facet = _first_facet(state, at, change)
    longest = jnp.minimum(facet.time, 1.0)

    def objective(length: Scalar) -> Scalar:
        return value(generator, state.latent + length * change, target, prior_weight)

    near, far, far_is_lower = _line_search(objective, longest)
    latent = state.latent + near * change
    short = TINY_STEP * (1 + jnp.sqrt(latent @ latent))
    norm = jnp.sqrt(change @ change)
    arrived = (near == longest) & (facet.time <= 1)

    moved = State(latent, state.positive, state.held, jnp.array(False))
    at_once = longest * norm < short
    on_facet = _hold_or_cross(generator, moved, at, near, change, facet, at_once)
    resting = _let_go(generator, moved, at)
    after = optax.tree.where(norm < short, resting, moved)
    after = optax.tree.where(arrived, on_facet, after)
    beyond = _pass_through(generator, moved, state.latent + far * change)
    after = optax.tree.where(far_is_lower, beyond, after)
    stopped = state._replace(finished=jnp.array(True))
    return optax.tree.where(jnp.all(jnp.isfinite(after.latent)), after, stopped)


def _newton_change(at: Local) -> Float[Array, "latent"]:
    """Return the Newton step to the face and along it, with positive curvatures."""
    heights = at.units.at[at.numbers].get(mode="fill", fill_value=0.0)
    back = -at.active.T @ (at.inverse @ heights)
    values, vectors, on_face = tangent(at)
    largest = jnp.max(jnp.where(on_face, jnp.abs(values), 0.0))
    least = RELATIVE_CURVATURE * largest + jnp.finfo(values.dtype).tiny
    slope = at.gradient + at.hessian @ back
    sizes = jnp.maximum(jnp.abs(values), least)
    along = jnp.where(on_face, vectors.T @ slope / sizes, 0.0)
    return back - vectors @ along


def _first_facet(state: State, at: Local, change: Float[Array, "latent"]) -> Facet:
    """Return the first facet on the way; until then pre-activations are affine."""
    rates = at.normals @ change
    ahead = at.units + rates
    crosses = ~state.held & ((ahead > 0) != state.positive)
    times = jnp.where(crosses, jnp.clip(-at.units / rates, 0.0, 1.0), jnp.inf)
    unit = jnp.argmin(times)
    return Facet(unit, times[unit], rates[unit])


def _line_search(
    objective: Callable[[Scalar], Scalar], longest: Scalar
) -> tuple[Scalar, Scalar, Bool[Array, ""]]:
    """Return the best length up to the first facet, and the best one beyond it.

    The third value is whether the objective is lower beyond. Lengths are parts of the
    Newton step.
    """

    def best(lengths: Array, values: Array) -> Scalar:
        return lengths[jnp.argmin(jnp.where(jnp.isfinite(values), values, jnp.inf))]

    near = longest * jnp.array(FRACTIONS, longest.dtype)
    far = jnp.array(FAR, longest.dtype)
    until = jax.vmap(objective)(near)
    beyond = jnp.where(far > longest, jax.vmap(objective)(far), jnp.inf)
    return best(near, until), best(far, beyond), jnp.min(beyond) < jnp.min(until)


def _hold_or_cross(
    generator: FinishedGenerator,
    state: State,
    at: Local,
    length: Scalar,
    change: Float[Array, "latent"],
    facet: Facet,
    at_once: Bool[Array, ""],
) -> State:
    """Return the state at a facet: on its other side if the objective falls there.

    Else the facet is held. So is one that was reached at once, since steps from both
    sides could cross it to and fro; but never more facets than latent dimensions.
    """
    zeros = jnp.zeros(at.units.shape, at.gradient.dtype)
    arriving = signals(
        generator, state.latent, state.positive & ~state.held, at.output, zeros
    )
    slope = (at.gradient + length * (at.hessian @ change)) @ change
    slope_beyond = slope + jump(generator) * arriving[facet.unit] * jnp.abs(facet.rate)
    hold = (slope_beyond >= 0) | at_once
    hold &= jnp.sum(state.held) < len(state.latent)
    return state._replace(
        held=state.held.at[facet.unit].set(state.held[facet.unit] | hold),
        positive=state.positive.at[facet.unit].set(state.positive[facet.unit] ^ ~hold),
    )


def _let_go(generator: FinishedGenerator, state: State, at: Local) -> State:
    """Return the state without the facet that attracts least, or finished.

    A facet attracts if its multiplier is within its bounds.
    """
    pushes, bounds = multipliers(generator, state, at, at.gradient)
    below, over = -pushes, pushes - bounds
    excess = jnp.where(state.held, jnp.maximum(below, over), -jnp.inf)
    unit = jnp.argmax(excess)
    let_go = excess[unit] > RELATIVE_EXCESS * jnp.max(jnp.abs(pushes))
    side = jnp.where(let_go, over[unit] > below[unit], state.positive[unit])
    return State(
        state.latent,
        state.positive.at[unit].set(side),
        state.held.at[unit].set(state.held[unit] & ~let_go),
        ~let_go,
    )


def _pass_through(
    generator: FinishedGenerator, state: State, latent: Float[Array, "latent"]
) -> State:
    """Return the state at a latent that may be beyond many facets."""
    sides = units_at(generator, latent) > 0
    return state._replace(
        latent=latent, positive=jnp.where(state.held, state.positive, sides)
    )
