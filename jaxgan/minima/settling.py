"""From the end points of a search to exact local minima, with their certificates."""

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from jaxgan.minima import certificates, facets, newton
from jaxgan.minima.certificates import STATUSES, Certificate
from jaxgan.minima.sharpening import (
    DOUBLE,
    FIRST_WIDTH,
    ROUND,
    SINGLE,
    as_type,
    follow_all,
    leads,
)
from jaxgan.networks.piecewise import Layers, units_at
from jaxgan.parallel.chunks import advance_in_chunks, evaluate_in_chunks
from jaxgan.types import Params, Scalar

FACET_ROUNDS = 8
NEAR = 1e-5
"""A unit this close to zero after the smoothing is on its facet."""


class Settled(NamedTuple):
    """Where end points settled.

    Attributes:
        latents: in double precision.
        errors: mean squared error per pixel, pixels in [0, 1].
        held: units whose facets a point is on.
        steps: taken with rounded corners in single precision, in double precision, and
            on facets; none any more for a point that has met another.
        certificates: arrays with one entry for each point.
    """

    latents: Float[np.ndarray, "n latent"]
    errors: Float[np.ndarray, "n"]
    held: Bool[np.ndarray, "n units"]
    steps: Int[np.ndarray, "3 n"]
    certificates: Certificate

    def share(self, status: str) -> float:
        """Give the share of points with a status."""
        return float(np.mean(self.certificates.status == STATUSES.index(status)))


def settle(
    params: Params,
    latents: Float[np.ndarray, "n latent"],
    targets: Float[np.ndarray, "m *shape"],
    owners: Int[np.ndarray, "n"],
    *,
    prior_weight: float = 0.0,
    chunk: int = 64,
) -> Settled:
    """Settle each point in a local minimum near it, in double precision.

    Rounded corners that sharpen lead to the minimum (`jaxgan.minima.newton`), an active-set
    method ends on it exactly (`jaxgan.minima.facets`), and `jaxgan.minima.certificates` says what it
    is. A point whose steps run out keeps the status `not_stationary`. Points of one
    target that meet while corners sharpen go on as one.

    Args:
        params: of a folded fully connected generator.
        latents: where to begin; all finite. Best where corners rounded to 0.01 are
            left (`jaxgan.inversion.search`).
        targets: in the networks' units.
        owners: number of the target of each point.
        prior_weight: κ of an additional ½κ‖z‖². Without it most minima of a trained
            generator are far outside its prior, at the end of flat valleys, and many
            points do not arrive.
        chunk: points advanced at a time.

    Raises:
        ValueError: if the weights are of another kind of network.
    """
    smooth = newton.State(
        jnp.asarray(latents, jnp.float32),
        jnp.full(len(latents), FIRST_WIDTH, jnp.float32),
    )
    leaders = np.arange(len(latents))
    follow = partial(
        follow_all, params, targets, owners, prior_weight=prior_weight, chunk=chunk
    )
    smooth, leaders, single = follow(smooth, leaders, SINGLE)
    with jax.enable_x64(True):
        smooth = newton.State(
            smooth.latent.astype(jnp.float64),
            jnp.maximum(smooth.width.astype(jnp.float64), SINGLE.least_width),
        )
        smooth, leaders, double = follow(smooth, leaders, DOUBLE)
        layers, flat = as_type(jnp.float64, params, targets)
        states = _begin(layers, jnp.asarray(smooth.latent))
        advance = partial(_advance, layers, flat, prior_weight)
        steps = np.zeros(len(latents), int)
        for _ in range(FACET_ROUNDS):
            active = leads(leaders) & ~np.asarray(states.finished)
            if not active.any():
                break
            states = advance_in_chunks(advance, states, owners, active, chunk=chunk)
            steps += ROUND * active
        (chosen,) = np.nonzero(leads(leaders))
        led = jax.tree.map(lambda leaf: np.asarray(leaf)[chosen], (states, owners))
        judge = partial(_judge, layers, flat, prior_weight)
        verdicts = evaluate_in_chunks(judge, led, chunk=chunk)
    of_leader = np.searchsorted(chosen, leaders)
    errors, found = jax.tree.map(lambda leaf: leaf[of_leader], verdicts)
    return Settled(
        np.asarray(states.latent)[leaders],
        errors,
        np.asarray(states.held)[leaders],
        np.stack([single, double, steps]),
        found,
    )


@jax.jit
def _begin(layers: Layers, points: Array):
    def one(point: Array) -> facets.State:
        units = units_at(layers, point)
        crowded = jnp.sum(jnp.abs(units) < NEAR) > len(point)
        held = (jnp.abs(units) < NEAR) & ~crowded
        return facets.State(point, units > 0, held, jnp.array(False))

    return jax.lax.map(one, points, batch_size=1000)


@jax.jit
def _advance(
    layers: Layers,
    targets: Array,
    prior_weight: Scalar,
    states: facets.State,
    owners: Array,
):
    def one(state: facets.State, owner: Array) -> facets.State:
        def body(_, state):
            after = facets.step(layers, state, targets[owner], prior_weight)
            return jax.tree.map(
                lambda old, new: jnp.where(state.finished, old, new), state, after
            )

        return jax.lax.fori_loop(0, ROUND, body, state)

    return jax.vmap(one)(states, owners)


@jax.jit
def _judge(
    layers: Layers,
    targets: Array,
    prior_weight: Scalar,
    states: facets.State,
    owners: Array,
):
    def one(state: facets.State, owner: Array) -> tuple[Array, Certificate]:
        error = facets.value(layers, state.latent, targets[owner])
        certificate = certificates.certify(layers, state, targets[owner], prior_weight)
        return error / (2 * targets.shape[1]), certificate

    return jax.vmap(one)(states, owners)
