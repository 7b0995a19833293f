"""Multilevel minimisation of the energies of many paths, as one compiled function.

Each level has twice as many segments as the one before and starts from its result. Most
of the energy is lost on coarse levels, where an evaluation costs little. The first
levels see metrics without kinks, if the family has them: kinks make many local minima
and mislead a quasi-Newton method.
"""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from jaxgan.parallel.lanes import run_in_lanes
from jaxgan.paths.conformal import MetricFamily
from jaxgan.paths.curves import prolong
from jaxgan.paths.methods import Method, State
from jaxgan.paths.selection import choose, starts_on_levels, take
from jaxgan.paths.starts import curvatures, starting_paths
from jaxgan.types import Scalar

COARSEST = 8
"""Number of segments of the coarsest level."""
CURVATURE_LEVELS = 2
"""The first levels, which compute the curvature anew; later ones keep the last."""
SMOOTH_LEVELS = 3
"""The first levels, which see no kinks; the last level always sees them."""
PATIENCE = 6
"""A level ends if this many evaluations in a row gain too little together."""
ROWS = 256
"""Latents evaluated at a time, over all lanes: enough for fast matrix products, and few
enough that states stay in the cache and the last pairs leave few lanes idle."""


def levels(segments: int) -> tuple[int, ...]:
    """Return 8, 16, 32, … up to `segments`, the segments of each level."""
    return tuple(COARSEST << k for k in range((segments // COARSEST).bit_length()))


class Progress(NamedTuple):
    """The minimisation of one path on one level.

    Attributes:
        state: of the method.
        evaluations: number of evaluations so far.
        history: best energy after each evaluation; the last entries repeat the newest.
    """

    state: State
    evaluations: Int[Array, ""]
    history: Float[Array, "evaluations"]


class LevelResult(NamedTuple):
    """The result of one level for one path.

    Attributes:
        path: the best one.
        energy: its energy, on the first levels by the smoothed family.
        evaluations: number of evaluations.
        finished: whether the level ended at a path that the method cannot make better,
            and not because it gave up; see `minimise`.
        history: best energy after each evaluation.
    """

    path: Float[Array, "knots latent"]
    energy: Float[Array, ""]
    evaluations: Int[Array, ""]
    finished: Bool[Array, ""]
    history: Float[Array, "evaluations"]


@partial(jax.jit, static_argnums=(0, 1, 2))
def multilevel_descent(
    method: Method,
    levels: tuple[int, ...],
    max_evaluations: int,
    metrics: MetricFamily,
    tolerance: Scalar,
    codes_a: Array,
    codes_b: Array,
    items: Any,
    bows: Array,
) -> tuple[list[LevelResult], Array]:
    """Minimise as `minimise_many` does, as a pure function inside other programs.

    Args:
        method: to minimise the energy with.
        levels: number of segments of each level.
        max_evaluations: greatest number of evaluations on each level.
        metrics: of the pairs.
        tolerance: on the finest level; see `minimise`.
        codes_a: first code of each pair.
        codes_b: second code of each pair.
        items: data of each pair's metric; see `MetricFamily`.
        bows: amplitudes of the starts; see `draw_bows`.

    Returns:
        The result of each level, and the energies of all starts on the coarsest one.
    """
    # Outside of all loops, which would convert the data at every step.
    metrics = metrics.as_type(codes_a.dtype)
    smooth = min(SMOOTH_LEVELS, len(levels) - 1)
    seen = [metrics.smoothed()] * smooth + [metrics] * (len(levels) - smooth)
    bent = seen if method.uses_curvature else [None] * len(levels)
    pairs, num_starts = bows.shape[:2]

    def of_starts(tree: Any, count: int) -> Any:
        return jax.tree.map(lambda leaf: jnp.repeat(leaf[:, None], count, 1), tree)

    def for_each(function: Callable[..., Any], *trees: Any) -> Any:
        """Apply a function of rows to all starts of all pairs."""
        rows = [jax.tree.map(lambda x: x.reshape(-1, *x.shape[2:]), t) for t in trees]
        return jax.tree.map(
            lambda x: x.reshape(pairs, -1, *x.shape[1:]), function(*rows)
        )

    paths = starting_paths(codes_a, codes_b, levels[0], bows)
    # That of the straight line, which the bows are about.
    curvature = of_starts(curvatures(bent[0], paths[:, 0], items), num_starts)
    every: list[LevelResult] = []
    for number, count in enumerate(starts_on_levels(num_starts, len(levels))):
        own = of_starts(items, count)
        if number > 0:
            chosen = choose(every[-1].energy, count)
            paths = jax.vmap(jax.vmap(prolong))(take(every[-1].path, chosen))
            if number < CURVATURE_LEVELS:
                curvature = for_each(partial(curvatures, bent[number]), paths, own)
            else:
                curvature = take(curvature, chosen)
        minimise = partial(
            _minimise,
            seen[number],
            method,
            max_evaluations,
            tolerance * (levels[-1] / levels[number]) ** 2,
        )
        every.append(for_each(minimise, paths, (own, curvature)))
    return [_best(level) for level in every], every[0].energy


def _best(level: LevelResult) -> LevelResult:
    """Return the result of each pair's best start, with the work of all of them."""
    best = jnp.argmin(level.energy, 1)
    chosen = jax.tree.map(lambda leaf: leaf[jnp.arange(len(best)), best], level)
    return chosen._replace(
        evaluations=jnp.sum(level.evaluations, 1, dtype=jnp.int32),
        history=jnp.min(level.history, 1),
    )


def _minimise(
    metrics: MetricFamily,
    method: Method,
    max_evaluations: int,
    tolerance: Array,
    paths: Array,
    given: Any,
) -> LevelResult:
    def begin(item: Any) -> Progress:
        path, _ = item
        history = jnp.full(max_evaluations, jnp.inf, path.dtype)
        return Progress(method.init(path), jnp.zeros((), jnp.int32), history)

    def advance(item: Any, before: Progress) -> Progress:
        _, (own, curvature) = item
        state = method.step(metrics.metric_of(own), curvature, before.state)
        later = jnp.arange(max_evaluations, dtype=jnp.int32) >= before.evaluations
        history = jnp.where(later, state.energy, before.history)
        return Progress(state, before.evaluations + 1, history)

    def converged(now: Progress) -> Array:
        state, count = now.state, now.evaluations
        wanted = tolerance * state.energy
        gain = now.history[jnp.maximum(count - 1 - PATIENCE, 0)] - state.energy
        # Where nothing at all is gained, a line search is still looking for a step.
        slow = (count > PATIENCE) & (gain < wanted) & (gain > 0)
        ended = (state.decrement <= wanted) | slow | (state.energy == 0)
        return ended & jnp.isfinite(state.energy)

    def finished(now: Progress) -> Array:
        over = (now.evaluations >= max_evaluations) | now.state.stuck
        return converged(now) | over

    def outcome(last: Progress) -> LevelResult:
        state = last.state
        return LevelResult(
            state.path, state.energy, last.evaluations, converged(last), last.history
        )

    lanes = max(1, ROWS // (paths.shape[1] - 1))
    return run_in_lanes(begin, advance, finished, outcome, (paths, given), lanes)
