"""Many points that follow their minima while corners sharpen.

Points that have met have one *leader*, the first of them; only leaders take steps.
"""

from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from jaxgan.minima import newton
from jaxgan.minima.counting import cluster
from jaxgan.networks.piecewise import Layers, layers_of
from jaxgan.parallel.chunks import advance_in_chunks
from jaxgan.types import Params, Scalar


class Phase(NamedTuple):
    """Steps of Newton in one precision while corners sharpen.

    Attributes:
        least_width: where the corners are sharp enough.
        sharpening: factor of the width after each whole step.
        rounds: most of them, each of `ROUND` steps.
    """

    least_width: float
    sharpening: float
    rounds: int


FIRST_WIDTH = 0.01
SINGLE = Phase(1e-4, 0.5, 8)
DOUBLE = Phase(1e-8, 0.1, 12)
MET = 1e-6
"""Relative distance of points that go on as one."""
ROUND = 5


def follow_all(
    params: Params,
    targets: Float[np.ndarray, "m *shape"],
    owners: Int[np.ndarray, "n"],
    states: newton.State,
    leaders: Int[np.ndarray, "n"],
    phase: Phase,
    *,
    prior_weight: float,
    chunk: int,
) -> tuple[newton.State, Int[np.ndarray, "n"], Int[np.ndarray, "n"]]:
    """Sharpen corners until they are sharp or rounds run out.

    Args:
        params: of a folded fully connected generator.
        targets: in the networks' units.
        owners: number of the target of each point.
        states: of the points; their precision is that of the steps.
        leaders: of the points.
        phase: how far.
        prior_weight: κ of an additional ½κ‖z‖².
        chunk: points advanced at a time.

    Returns:
        The states, the leaders, and the steps that each point has taken.
    """
    layers, flat = as_type(states.latent.dtype, params, targets)
    advance = partial(_sharpen, phase, layers, flat, prior_weight)
    steps = np.zeros(len(owners), int)
    for _ in range(phase.rounds):
        active = leads(leaders) & (np.asarray(states.width) > phase.least_width)
        if not active.any():
            break
        states = advance_in_chunks(advance, states, owners, active, chunk=chunk)
        steps += ROUND * active
        leaders = _met(np.asarray(states.latent), owners, leaders)
    return states, leaders, steps


def leads(leaders: Int[np.ndarray, "n"]) -> Bool[np.ndarray, "n"]:
    """Say which points are leaders."""
    return leaders == np.arange(len(leaders))


def _met(
    latents: Float[np.ndarray, "n latent"],
    owners: Int[np.ndarray, "n"],
    leaders: Int[np.ndarray, "n"],
) -> Int[np.ndarray, "n"]:
    """Give every point the first of those that it has met as its leader."""
    after = leaders.copy()
    for owner in np.unique(owners):
        (own,) = np.nonzero((owners == owner) & leads(leaders))
        scale = float(np.sqrt(np.mean(np.sum(latents[own] ** 2, 1))))
        groups = cluster(latents[own], MET * scale)
        after[own] = own[np.unique(groups, return_index=True)[1]][groups]
    return after[leaders]


def as_type(
    dtype: Any, params: Params, targets: Float[np.ndarray, "m *shape"]
) -> tuple[Layers, Array]:
    """Give layers and flattened targets in a precision."""
    layers = jax.tree.map(lambda w: jnp.asarray(w, dtype), layers_of(params))
    return layers, jnp.asarray(targets, dtype).reshape(len(targets), -1)


@partial(jax.jit, static_argnums=0)
def _sharpen(
    phase: Phase,
    layers: Layers,
    targets: Array,
    prior_weight: Scalar,
    states: newton.State,
    owners: Array,
):
    def one(state: newton.State, owner: Array) -> newton.State:
        return newton.follow(
            layers,
            state,
            targets[owner],
            phase.least_width,
            phase.sharpening,
            ROUND,
            prior_weight,
        )

    return jax.vmap(one)(states, owners)
