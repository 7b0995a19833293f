"""From the end points of a search to exact local minima, with their certificates."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Bool, Float, Int

from jaxgan import certificates, facets, smoothing
from jaxgan.certificates import STATUSES, Certificate
from jaxgan.regions import layers_of, units_at
from jaxgan.rounds import run_rounds
from jaxgan.types import Params

NEAR = 1e-5
"""A unit this close to zero after the smoothing is on its facet."""
ROUND = 5
MAX_ROUNDS = 40


class Settled(NamedTuple):
    """Where end points settled.

    Attributes:
        latents: in double precision.
        errors: mean squared error per pixel, pixels in [0, 1].
        held: units whose facets a point is on.
        certificates: arrays with one entry for each point.
    """

    latents: Float[np.ndarray, "n latent"]
    errors: Float[np.ndarray, "n"]
    held: Bool[np.ndarray, "n units"]
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
    chunk: int = 64,
) -> Settled:
    """Settle each point in a local minimum near it, in double precision.

    Rounded corners that sharpen lead to the minimum (`jaxgan.smoothing`), an active-set
    method ends on it exactly (`jaxgan.facets`), and `jaxgan.certificates` says what it
    is. A point whose steps run out keeps the status `not_stationary`.

    Args:
        params: of a folded fully connected generator.
        latents: where to begin; all finite.
        targets: in the networks' units.
        owners: number of the target of each point.
        chunk: points advanced at a time.

    Raises:
        ValueError: if the weights are of another kind of network.
    """
    with jax.enable_x64(True):
        layers = jax.tree.map(lambda w: jnp.asarray(w, jnp.float64), layers_of(params))
        flat = jnp.asarray(targets, jnp.float64).reshape(len(targets), -1)
        numbers = jnp.asarray(owners)

        @jax.jit
        def smooth(points, owners):
            def one(point, owner):
                end = smoothing.descend(layers, point, flat[owner])
                units = units_at(layers, end)
                crowded = jnp.sum(jnp.abs(units) < NEAR) > len(end)
                held = (jnp.abs(units) < NEAR) & ~crowded
                return facets.State(end, units > 0, held, jnp.array(False))

            return jax.vmap(one)(points, owners)

        @jax.jit
        def advance(states, owners):
            def one(state, owner):
                def body(_, state):
                    after = facets.step(layers, state, flat[owner])
                    return jax.tree.map(
                        lambda old, new: jnp.where(state.finished, old, new),
                        state,
                        after,
                    )

                return jax.lax.fori_loop(0, ROUND, body, state)

            return jax.vmap(one)(states, owners)

        @jax.jit
        def judge(states, owners):
            def one(item):
                state, owner = item
                error = facets.value(layers, state.latent, flat[owner])
                certificate = certificates.certify(layers, state, flat[owner])
                return error / (2 * flat.shape[1]), certificate

            return jax.lax.map(one, (states, owners), batch_size=chunk)

        points = jnp.asarray(latents, jnp.float64)
        states = facets.State(
            points,
            jnp.zeros((len(points), layers.num_units), bool),
            jnp.zeros((len(points), layers.num_units), bool),
            jnp.zeros(len(points), bool),
        )
        everything = np.ones(len(points), bool)
        states = run_rounds(
            lambda some, owners: smooth(some.latent, owners),
            states,
            numbers,
            everything,
            chunk=chunk,
        )
        for _ in range(MAX_ROUNDS):
            active = ~np.asarray(states.finished)
            if not active.any():
                break
            states = run_rounds(advance, states, numbers, active, chunk=chunk)
        errors, found = judge(states, numbers)
    return Settled(
        np.asarray(states.latent),
        np.asarray(errors),
        np.asarray(states.held),
        jax.tree.map(np.asarray, found),
    )
