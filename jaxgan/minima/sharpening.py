"""Newton's method with sharpening corners for many points; points that meet merge.

Points of one target that have met have one *leader*, the first of them. Only leaders
take further steps.
"""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from jaxgan.minima import newton
from jaxgan.minima.counting import cluster
from jaxgan.minima.settling import Phase, sharpen
from jaxgan.networks import FinishedGenerator
from jaxgan.parallel.chunks import advance_in_chunks
from jaxgan.types import Scalar

MERGING_DISTANCE = 1e-6
"""Points closer than this, relative to their root mean square norm, merge."""


def sharpen_all(
    generator: FinishedGenerator,
    targets: Float[np.ndarray, "m *shape"],
    owners: Int[np.ndarray, "n"],
    states: newton.State,
    leaders: Int[np.ndarray, "n"],
    phase: Phase,
    *,
    prior_weight: float,
    chunk: int,
) -> tuple[newton.State, Int[np.ndarray, "n"], Int[np.ndarray, "n"]]:
    """Sharpen all corners step by step, until they are sharp or the steps run out.

    Args:
        generator: whose kinks are declared.
        targets: in the networks' units.
        owners: number of the target of each point.
        states: of the points; steps are computed in their precision.
        leaders: number of each point's leader.
        phase: the part of the sharpening to compute.
        prior_weight: κ of an additional ½κ‖z‖².
        chunk: points advanced at a time.

    Returns:
        The states, the leaders, and the number of steps that each point has taken.
    """
    exact, flat = in_precision(states.latent.dtype, generator, targets)
    advance = partial(_sharpen, phase, exact, flat, prior_weight)
    steps = np.zeros(len(owners), int)
    for _ in range(phase.steps):
        active = is_leader(leaders) & (np.asarray(states.width) > phase.least_width)
        if not active.any():
            break
        states = advance_in_chunks(advance, states, owners, active, chunk=chunk)
        steps += active
        leaders = _merge(np.asarray(states.latent), owners, leaders)
    return states, leaders, steps


def is_leader(leaders: Int[np.ndarray, "n"]) -> Bool[np.ndarray, "n"]:
    """Return which points are leaders, from the number of each point's leader."""
    return leaders == np.arange(len(leaders))


def _merge(
    latents: Float[np.ndarray, "n latent"],
    owners: Int[np.ndarray, "n"],
    leaders: Int[np.ndarray, "n"],
) -> Int[np.ndarray, "n"]:
    """Return the leaders after merging the leaders that have met."""
    after = leaders.copy()
    for owner in np.unique(owners):
        (own,) = np.nonzero((owners == owner) & is_leader(leaders))
        scale = float(np.sqrt(np.mean(np.sum(latents[own] ** 2, 1))))
        groups = cluster(latents[own], MERGING_DISTANCE * scale)
        after[own] = own[np.unique(groups, return_index=True)[1]][groups]
    return after[leaders]


def in_precision(
    dtype: Any, generator: FinishedGenerator, targets: Float[np.ndarray, "m *shape"]
) -> tuple[FinishedGenerator, Array]:
    """Return the generator and flattened targets in a floating-point precision."""
    flat = jnp.asarray(targets, dtype).reshape(len(targets), -1)
    return generator.as_type(dtype), flat


@partial(jax.jit, static_argnums=0)
def _sharpen(
    phase: Phase,
    generator: FinishedGenerator,
    targets: Array,
    prior_weight: Scalar,
    states: newton.State,
    owners: Array,
):
    def one(state: newton.State, owner: Array) -> newton.State:
        return sharpen(phase, generator, targets[owner], prior_weight, state)

    return jax.vmap(one)(states, owners)
