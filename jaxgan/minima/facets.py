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

from jaxgan.minima.faces import (
    Local,
    State,
    jump,
    local,
    multipliers,
    newton_change,
    value,
)
from jaxgan.networks import FinishedGenerator
from jaxgan.networks.piecewise import signals, units_at
from jaxgan.types import Scalar

FRACTIONS = (1.0, 0.5, 0.1, 0.01)
"""Lengths that a step tries, as parts of the way to the next facet."""
FAR = (1.0, 0.5, 0.2, 0.05, 0.01)
"""Further lengths, as parts of the Newton step, through all facets on its way."""
RELATIVE_EXCESS = 1e-9
"""Of a multiplier beyond its bounds, in units of the largest one."""
TINY_STEP = 1e-10
"""Length of a step, relative to 1 + ‖z‖, below which a point does not move any more."""


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
    change = newton_change(at)
    facet = _first_facet(state, at, change)
    longest = jnp.minimum(facet.time, 1.0)

    def objective(length: Scalar) -> Scalar:
        return value(generator, state.latent + length * change, target, prior_weight)

    near, far, far_is_lower = _line_search(objective, longest)
    norm = jnp.sqrt(change @ change)
    short = TINY_STEP * (1 + jnp.sqrt(state.latent @ state.latent))
    # The objective cannot choose the length of a step that is within its rounding.
    near = jnp.where(norm < short, longest, near)
    latent = state.latent + near * change
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
