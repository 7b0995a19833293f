"""Down from a path to one of least energy, level by level, for many pairs: one program.

Each level has twice the segments of the one before and starts where that one ended.
Most of the way down is gone on coarse levels, where an evaluation costs little.
"""

from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from jaxgan.parallel.lanes import run_in_lanes
from jaxgan.paths.conformal import MetricFamily
from jaxgan.paths.curves import prolong
from jaxgan.paths.methods import Method, State
from jaxgan.paths.starts import curvatures, starting_paths

RENEWED = 3
"""Levels that begin with the curvature where they begin; the others keep the last."""
PATIENCE = 6
"""A level ends after so many evaluations in a row that gained too little together."""
ROWS = 256
"""Latents evaluated at a time, over all lanes: enough for fast matrix products, and few
enough that states stay in the cache and the last pairs leave few lanes idle."""


class Walk(NamedTuple):
    """A path on one level.

    Attributes:
        state: of the method.
        evaluations: so far.
        history: best energy after each.
    """

    state: State
    evaluations: Int[Array, ""]
    history: Float[Array, "evaluations"]


class Arrival(NamedTuple):
    """What is kept of a walk."""

    path: Float[Array, "knots latent"]
    energy: Float[Array, ""]
    evaluations: Int[Array, ""]
    finished: Bool[Array, ""]
    history: Float[Array, "evaluations"]


@partial(jax.jit, static_argnums=(0, 1, 2, 3))
def multilevel_descent(
    metrics: MetricFamily,
    method: Method,
    levels: tuple[int, ...],
    max_evaluations: int,
    tolerance: Array,
    codes_a: Array,
    codes_b: Array,
    items: Any,
    bows: Array,
) -> tuple[list[Arrival], Array]:
    """Do what `minimise_paths` does, as a pure function, for programs that contain it.

    Args:
        metrics: of the pairs.
        method: to lower the energy with.
        levels: segments.
        max_evaluations: for each level.
        tolerance: of the finest level.
        codes_a: first code of each pair.
        codes_b: second code of each pair.
        items: which metric each pair has.
        bows: see `jaxgan.paths.starts.draw_bows`.

    Returns:
        The end of each level, and the energies of all starts on the coarsest one.
    """
    average = metrics.curvature if method.uses_curvature else None
    pairs, num_starts = bows.shape[:2]
    paths = starting_paths(codes_a, codes_b, levels[0], bows)
    curvature = curvatures(average, paths[:, 0], items)

    def walk(paths: Array, given: Any) -> Arrival:
        exact = tolerance * (levels[-1] / (paths.shape[1] - 1)) ** 2
        return _walk(metrics, method, max_evaluations, exact, paths, given)

    def repeat(leaf: Array) -> Array:
        return jnp.repeat(leaf, num_starts, 0)

    first = walk(
        paths.reshape(-1, *paths.shape[2:]), jax.tree.map(repeat, (items, curvature))
    )
    first = jax.tree.map(
        lambda leaf: leaf.reshape(pairs, num_starts, *leaf.shape[1:]), first
    )
    best = jnp.argmin(first.energy, 1)
    chosen = jax.tree.map(lambda leaf: leaf[jnp.arange(pairs), best], first)
    arrivals = [chosen._replace(evaluations=jnp.sum(first.evaluations, 1))]
    for number in range(1, len(levels)):
        finer = jax.vmap(prolong)(arrivals[-1].path)
        if number < RENEWED:
            curvature = curvatures(average, finer, items)
        arrivals.append(walk(finer, (items, curvature)))
    return arrivals, first.energy


def _walk(
    metrics: MetricFamily,
    method: Method,
    max_evaluations: int,
    tolerance: Array,
    paths: Array,
    given: Any,
) -> Arrival:
    def begin(item: Any) -> Walk:
        path, _ = item
        history = jnp.full(max_evaluations, jnp.inf, path.dtype)
        return Walk(method.init(path), jnp.zeros((), jnp.int32), history)

    def advance(item: Any, walk: Walk) -> Walk:
        _, (own, curvature) = item
        state = method.step(metrics.at(own), curvature, walk.state)
        later = jnp.arange(max_evaluations, dtype=jnp.int32) >= walk.evaluations
        history = jnp.where(later, state.energy, walk.history)
        return Walk(state, walk.evaluations + 1, history)

    def converged(walk: Walk) -> Array:
        state, count = walk.state, walk.evaluations
        wanted = tolerance * state.energy
        before = walk.history[jnp.maximum(count - 1 - PATIENCE, 0)]
        slow = (count > PATIENCE) & (before - state.energy < wanted)
        ended = (state.decrement < wanted) | slow | state.stuck
        return ended & jnp.isfinite(state.energy)

    def finished(walk: Walk) -> Array:
        over = (walk.evaluations >= max_evaluations) | walk.state.stuck
        return converged(walk) | over

    def outcome(walk: Walk) -> Arrival:
        state = walk.state
        return Arrival(
            state.path, state.energy, walk.evaluations, converged(walk), walk.history
        )

    lanes = max(1, ROWS // (paths.shape[1] - 1))
    return run_in_lanes(begin, advance, finished, outcome, (paths, given), lanes)


def levels(segments: int) -> tuple[int, ...]:
    """Double the segments from the coarsest level on."""
    return tuple(COARSEST << k for k in range((segments // COARSEST).bit_length()))


COARSEST = 8
