"""Paths of least energy between many pairs of codes, from coarse to fine, one program.

Each level has twice the segments of the one before and starts where that one ended.
Most of the way down is gone on coarse levels, where an evaluation costs little; all
costs are counted in evaluations of the finest level.
"""

from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from jaxgan import devices
from jaxgan.conformal import Metrics
from jaxgan.lanes import run_in_lanes
from jaxgan.path_lbfgs import lbfgs
from jaxgan.path_methods import Method, State
from jaxgan.path_starts import SAMPLED, curvatures, draw_bows, starting_paths
from jaxgan.paths import prolong
from jaxgan.types import Latents, PRNGKey

RENEWED = 3
"""Levels that begin with the curvature where they begin; the others keep the last."""
PATIENCE = 6
"""A level ends after so many evaluations in a row that gained too little together."""
ROWS = 256
"""Latents evaluated at a time, over all lanes: enough for fast matrix products, and few
enough that states stay in the cache and the last pairs leave few lanes idle."""
DEFAULT = lbfgs()


class Minimised(NamedTuple):
    """Paths and how they were reached.

    Attributes:
        paths: the best ones found.
        energies: of the best path at the end of each level; infinite where nothing was
            finite.
        evaluations: of the gradient at each level, all starts of a pair together.
        cost: in evaluations of the finest level; a column of the curvature's Jacobian
            counts as one gradient at one latent.
        finished: whether the last level ended because nothing was left to gain.
        spread: energies of all starts at the end of the coarsest level.
        history: best energy after each evaluation of the finest level; from its last
            evaluation on the last one.
    """

    paths: Float[np.ndarray, "pairs knots latent"]
    energies: Float[np.ndarray, "pairs levels"]
    evaluations: Int[np.ndarray, "pairs levels"]
    cost: Float[np.ndarray, "pairs"]
    finished: Bool[np.ndarray, "pairs"]
    spread: Float[np.ndarray, "pairs starts"]
    history: Float[np.ndarray, "pairs evaluations"]


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


def minimise_paths(
    metrics: Metrics,
    starts: Latents,
    ends: Float[Array, "other_pairs other_latent"],
    items: Any = None,
    *,
    levels: tuple[int, ...] = (8, 16, 32, 64),
    method: Method = DEFAULT,
    tolerance: float = 1e-5,
    max_evaluations: int = 100,
    num_starts: int = 1,
    key: PRNGKey | None = None,
    first_pair: int = 0,
) -> Minimised:
    """Find a path of least energy for each pair.

    What is found for a pair does not depend on the other pairs, nor on the devices that
    share them, beyond rounding.

    Args:
        metrics: of the pairs; whoever calls again with the same ones, the same method
            and the same shapes compiles nothing.
        starts: first code of each pair, in the precision to compute in.
        ends: last codes.
        items: which metric each pair has: a tree of arrays with a leading axis.
        levels: segments, each twice as many as before.
        method: one of `jaxgan.path_methods`; default: its `lbfgs`.
        tolerance: a pair ends when its gain, expected from the next step or made by the
            last ones, is below this part of its energy. Coarser levels are less
            exact, as their energies are: by the square of their segments' length.
            0: only `max_evaluations` ends it.
        max_evaluations: of the gradient, for each level.
        num_starts: of each pair on the coarsest level: the straight line, and others
            with random bows, of which the best one goes on.
        key: of the bows.
        first_pair: number of the first pair, for the key.

    Raises:
        ValueError: if shapes, levels or numbers do not fit.
    """
    if starts.shape != ends.shape or starts.ndim != 2:
        raise ValueError(
            f"expected starts and ends [pairs, latent], got {starts.shape} and "
            f"{ends.shape}"
        )
    steps = zip(levels, levels[1:], strict=False)
    if not levels or levels[0] < 2 or any(b != 2 * a for a, b in steps):
        raise ValueError(f"expected levels of 2 or more that double, got {levels}")
    if num_starts < 1 or (num_starts > 1) != (key is not None):
        raise ValueError(
            f"a key is for more than one start and needed then, got {num_starts} starts"
        )
    if tolerance < 0 or max_evaluations < 1:
        raise ValueError(
            "tolerance must be ≥ 0 and max_evaluations ≥ 1, got "
            f"{tolerance} and {max_evaluations}"
        )
    bows = draw_bows(key, starts, num_starts, first_pair)
    arrivals, spread = devices.map_rows(
        descend,
        (metrics, method, levels, max_evaluations),
        (jnp.asarray(tolerance, starts.dtype),),
        (starts, ends, items, bows),
    )
    last = arrivals[-1]
    evaluations = np.stack([a.evaluations for a in arrivals], 1)
    latent_dim = starts.shape[1]
    known = method.uses_curvature and metrics.curvature is not None
    sampled = SAMPLED * latent_dim * min(len(levels), RENEWED) if known else 0
    return Minimised(
        last.path,
        np.stack([a.energy for a in arrivals], 1),
        evaluations,
        (evaluations @ np.array(levels) + sampled) / levels[-1],
        last.finished,
        spread,
        last.history,
    )


@partial(jax.jit, static_argnums=(0, 1, 2, 3))
def descend(
    metrics: Metrics,
    method: Method,
    levels: tuple[int, ...],
    max_evaluations: int,
    tolerance: Array,
    starts: Array,
    ends: Array,
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
        starts: first codes.
        ends: last codes.
        items: which metric each pair has.
        bows: see `jaxgan.path_starts.draw_bows`.

    Returns:
        The end of each level, and the energies of all starts on the coarsest one.
    """
    average = metrics.curvature if method.uses_curvature else None
    pairs, num_starts = bows.shape[:2]
    paths = starting_paths(starts, ends, levels[0], bows)
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
    metrics: Metrics,
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
