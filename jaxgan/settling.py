"""From the end points of a search to exact local minima, with their certificates."""

from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from jaxgan import certificates, facets, smoothing
from jaxgan.certificates import STATUSES, Certificate
from jaxgan.regions import Layers, layers_of, units_at
from jaxgan.rounds import run_rounds
from jaxgan.types import Params, Scalar

NEAR = 1e-5
"""A unit this close to zero after the smoothing is on its facet."""
ROUND = 5
MAX_ROUNDS = 40
SINGLE = tuple(np.repeat(np.geomspace(0.01, 1e-4, 8), 3).tolist())
DOUBLE = tuple(np.repeat(np.geomspace(1e-4, 1e-8, 5), 2).tolist())
"""Widths of the rounded corners in the order of the steps, in each precision."""


class Settled(NamedTuple):
    """Where end points settled.

    Attributes:
        latents: in double precision.
        errors: mean squared error per pixel, pixels in [0, 1].
        held: units whose facets a point is on.
        steps: taken on facets, after the smoothing.
        certificates: arrays with one entry for each point.
    """

    latents: Float[np.ndarray, "n latent"]
    errors: Float[np.ndarray, "n"]
    held: Bool[np.ndarray, "n units"]
    steps: Int[np.ndarray, "n"]
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

    Rounded corners that sharpen lead to the minimum (`jaxgan.smoothing`), an active-set
    method ends on it exactly (`jaxgan.facets`), and `jaxgan.certificates` says what it
    is. A point whose steps run out keeps the status `not_stationary`.

    Args:
        params: of a folded fully connected generator.
        latents: where to begin; all finite. Best where corners rounded to 0.01 are
            left (`jaxgan.search`).
        targets: in the networks' units.
        owners: number of the target of each point.
        prior_weight: κ of an additional ½κ‖z‖². Without it most minima of a trained
            generator are far outside its prior, at the end of flat valleys, and many
            points do not arrive.
        chunk: points advanced at a time.

    Raises:
        ValueError: if the weights are of another kind of network.
    """
    everything = np.ones(len(latents), bool)
    points = run_rounds(
        partial(_sharpen, *_as(jnp.float32, params, targets), prior_weight, SINGLE),
        jnp.asarray(latents, jnp.float32),
        jnp.asarray(owners),
        everything,
        chunk=chunk,
    )
    with jax.enable_x64(True):
        layers, flat = _as(jnp.float64, params, targets)
        numbers = jnp.asarray(owners)
        sharpen = partial(_sharpen, layers, flat, prior_weight, DOUBLE)
        points = run_rounds(
            sharpen, points.astype(jnp.float64), numbers, everything, chunk=chunk
        )
        states = _begin(layers, points)
        advance = partial(_advance, layers, flat, prior_weight)
        steps = np.zeros(len(points), int)
        for _ in range(MAX_ROUNDS):
            active = ~np.asarray(states.finished)
            if not active.any():
                break
            states = run_rounds(advance, states, numbers, active, chunk=chunk)
            steps += ROUND * active
        errors, found = _judge(layers, flat, prior_weight, states, numbers, chunk)
    return Settled(
        np.asarray(states.latent),
        np.asarray(errors),
        np.asarray(states.held),
        steps,
        jax.tree.map(np.asarray, found),
    )


def _as(
    dtype: Any, params: Params, targets: Float[np.ndarray, "m *shape"]
) -> tuple[Layers, Array]:
    layers = jax.tree.map(lambda w: jnp.asarray(w, dtype), layers_of(params))
    return layers, jnp.asarray(targets, dtype).reshape(len(targets), -1)


@partial(jax.jit, static_argnums=3)
def _sharpen(
    layers: Layers,
    targets: Array,
    prior_weight: Scalar,
    widths: tuple[float, ...],
    points: Array,
    owners: Array,
):
    def one(point: Array, owner: Array) -> Array:
        return smoothing.descend(
            layers,
            point,
            targets[owner],
            jnp.asarray(widths, point.dtype),
            prior_weight,
        )

    return jax.vmap(one)(points, owners)


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


@partial(jax.jit, static_argnums=5)
def _judge(
    layers: Layers,
    targets: Array,
    prior_weight: Scalar,
    states: facets.State,
    owners: Array,
    chunk: int,
):
    def one(item: tuple[facets.State, Array]) -> tuple[Array, Certificate]:
        state, owner = item
        error = facets.value(layers, state.latent, targets[owner])
        certificate = certificates.certify(layers, state, targets[owner], prior_weight)
        return error / (2 * targets.shape[1]), certificate

    return jax.lax.map(one, (states, owners), batch_size=chunk)
