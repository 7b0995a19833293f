"""Paths of least energy: between two codes, or between many pairs of codes.

`minimise` is a pure function for one pair, to be used in other programs: under
`jax.jit`, `jax.vmap` and `jax.grad`. `minimise_many` is called from the host: it
divides many pairs among all devices and wastes no work on those that are finished.

An *evaluation* is that of a path's energy with its gradient.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from jaxgan.networks import arguments
from jaxgan.parallel import devices
from jaxgan.paths.conformal import MetricFamily
from jaxgan.paths.curves import Path
from jaxgan.paths.envelope import least_energy
from jaxgan.paths.methods import Method
from jaxgan.paths.multilevel import CURVATURE_LEVELS, multilevel_descent
from jaxgan.paths.quasi_newton import lbfgs
from jaxgan.paths.selection import starts_on_levels
from jaxgan.paths.starts import SAMPLED, draw_bows
from jaxgan.types import Latent, Latents, PRNGKey, Scalar

DEFAULT_METHOD = lbfgs()
"""The method that `minimise` uses unless another is given."""
DEFAULT_LEVELS = (8, 16, 32, 64)


class MinimisedPath(NamedTuple):
    """A path of least energy between two codes, and how it was found.

    Attributes:
        path: the best one found.
        energy: its energy; its derivative is that of `least_energy`.
        differentiable: whether that derivative is the one of the least energy.
        decrement: see `newton_decrement`: about the relative decrease still possible.
        finished: whether the last level ended because the next step promised, or the
            last ones brought, too little; False if the evaluations ran out or a line
            search gave up. A saddle is such a path too: see `minimise`.
        energies: energy of the best path at the end of each level, on the first three
            by the smoothed family, except on the last; infinite where nothing was
            finite.
        evaluations: number of evaluations on each level, summed over the starts.
        spread: energies of all starts at the end of the coarsest level.
    """

    path: Path
    energy: Scalar
    differentiable: Bool[Array, ""]
    decrement: Scalar
    finished: Bool[Array, ""]
    energies: Float[Array, "levels"]
    evaluations: Int[Array, "levels"]
    spread: Float[Array, "starts"]


def minimise(
    metrics: MetricFamily,
    code_a: Latent,
    code_b: Float[Array, "other_latent"],
    item: Any = None,
    *,
    levels: tuple[int, ...] = DEFAULT_LEVELS,
    method: Method = DEFAULT_METHOD,
    tolerance: float | Scalar = 1e-5,
    max_evaluations: int = 100,
    num_starts: int = 1,
    key: PRNGKey | None = None,
    number: int | Int[Array, ""] = 0,
) -> MinimisedPath:
    """Return a path of least energy between two codes, as a pure function.

    It is what `minimise_many` finds for one pair. It runs under `jax.jit` and
    `jax.vmap`: over codes, items, keys, and the data of the metrics. `jax.vmap` takes
    as many steps for each pair as the slowest one needs.

    What is found is stationary, and not always a minimum: from the straight line alone,
    a path on a ridge of the metric stays there. Starts with random bows leave it, and
    `record_paths` counts the directions that lead down (`morse_index`).

    The energy can be differentiated; see `least_energy`. In a derivative, the inner
    knots of the path are constants, and so is all else in the result but the ends.

    Args:
        metrics: of the pair.
        code_a: first code, in the precision to compute in.
        code_b: second code.
        item: data of the pair's metric (`MetricFamily`), such as its two images.
        levels: number of segments of each level, each twice that of the level before.
            On the first three the metrics are those of `metrics.smoothed()`, except on
            the last.
        method: to minimise the energy with; by default preconditioned `lbfgs`.
        tolerance: a level ends when the decrease predicted for the next step, or made
            by the last ones, is below this part of the energy. On coarser levels it is
            multiplied by the square of the ratio of segment lengths, as their energies
            are less exact. With 0 only `max_evaluations` ends a level.
        max_evaluations: greatest number of evaluations on each level.
        num_starts: starts on the coarsest level: the straight line, and others with
            random bows. The best half of them goes on to each finer level, at least
            two; the straight line is always one of them.
        key: of the bows; required when `num_starts` > 1, and not used otherwise.
        number: number of the pair, for the key.

    Raises:
        ValueError: if the codes are not floating-point numbers or differ in shape,
            `metrics` is no family, levels do not double, a number is out of range, or
            the key is missing.
    """
    _require_metrics(metrics)
    code_a = jnp.asarray(arguments.floats("code_a", code_a, ("latent",)))
    code_b = jnp.asarray(arguments.floats("code_b", code_b, ("latent",)))
    if code_a.shape != code_b.shape:
        raise ValueError(
            "expected code_a and code_b of one shape, got "
            f"{code_a.shape} and {code_b.shape}"
        )
    _check(levels, tolerance, max_evaluations, num_starts, key)
    ends = jax.tree.map(jnp.asarray, (code_a, code_b, item))
    # The search is no part of the derivative.
    known, fixed = jax.lax.stop_gradient((metrics, ends))
    codes_a, codes_b, items = jax.tree.map(lambda leaf: leaf[None], fixed)
    bows = draw_bows(key, codes_a, num_starts, number)
    results, spread = devices.in_full_precision(
        multilevel_descent,
        method,
        levels,
        max_evaluations,
        known,
        jax.lax.stop_gradient(jnp.asarray(tolerance, codes_a.dtype)),
        codes_a,
        codes_b,
        items,
        bows,
    )
    last = results[-1]
    path = last.path[0].at[0].set(ends[0]).at[-1].set(ends[1])
    least = devices.in_full_precision(least_energy, metrics, path, ends[2])
    return MinimisedPath(
        path,
        least.energy,
        least.differentiable,
        least.decrement,
        last.finished[0],
        jnp.stack([result.energy[0] for result in results]),
        jnp.stack([result.evaluations[0] for result in results]),
        spread[0],
    )


class Minimised(NamedTuple):
    """Paths of least energy between many pairs of codes, and how they were found.

    Attributes:
        paths: the best paths found.
        energies: energy of the best path at the end of each level, on the first three
            by the smoothed family, except on the last; infinite where nothing was
            finite.
        evaluations: number of evaluations on each level, summed over the starts.
        cost: number of evaluations, an evaluation on a coarser level counted by its
            share of the finest level's segments. A column of the Jacobian that the
            curvature needs counts as one segment.
        finished: whether the last level ended because the next step promised, or the
            last ones brought, too little; False if the evaluations ran out or a line
            search gave up. A saddle is such a path too: see `minimise`.
        spread: energies of all starts at the end of the coarsest level.
        history: best energy after each evaluation on the finest level, of all starts
            that are left there; after the last evaluation its value is repeated.
    """

    paths: Float[np.ndarray, "pairs knots latent"]
    energies: Float[np.ndarray, "pairs levels"]
    evaluations: Int[np.ndarray, "pairs levels"]
    cost: Float[np.ndarray, "pairs"]
    finished: Bool[np.ndarray, "pairs"]
    spread: Float[np.ndarray, "pairs starts"]
    history: Float[np.ndarray, "pairs evaluations"]


def minimise_many(
    metrics: MetricFamily,
    codes_a: Latents,
    codes_b: Float[Array, "other_pairs other_latent"],
    items: Any = None,
    *,
    levels: tuple[int, ...] = DEFAULT_LEVELS,
    method: Method = DEFAULT_METHOD,
    tolerance: float = 1e-5,
    max_evaluations: int = 100,
    num_starts: int = 1,
    key: PRNGKey | None = None,
    first_pair: int = 0,
) -> Minimised:
    """Return a path of least energy for each pair of codes.

    Apart from rounding, what is found for a pair depends neither on the other pairs nor
    on the devices that share them. A second call with metrics of the same functions
    (such as those of a generator with other weights), the same method and the same
    shapes compiles nothing.

    Args:
        metrics: of the pairs.
        codes_a: first code of each pair, in the precision to compute in.
        codes_b: second code of each pair.
        items: data of each pair's metric: a tree of arrays with a leading axis of
            pairs.
        levels: as in `minimise`.
        method: as in `minimise`.
        tolerance: as in `minimise`.
        max_evaluations: as in `minimise`.
        num_starts: starts of each pair, as in `minimise`.
        key: as in `minimise`.
        first_pair: number of the first pair, for the key.

    Raises:
        ValueError: if the codes are not floating-point numbers or differ in shape,
            `metrics` is no family, levels do not double, a number is out of range, or
            the key is missing.
    """
    _require_metrics(metrics)
    codes_a = jnp.asarray(arguments.floats("codes_a", codes_a, ("pairs", "latent")))
    codes_b = jnp.asarray(arguments.floats("codes_b", codes_b, ("pairs", "latent")))
    if codes_a.shape != codes_b.shape:
        raise ValueError(
            "expected codes_a and codes_b of one shape, got "
            f"{codes_a.shape} and {codes_b.shape}"
        )
    for leaf in jax.tree.leaves(items):
        if jnp.shape(leaf)[:1] != (len(codes_a),):
            raise ValueError(
                f"expected items of {len(codes_a)} pairs, got an array "
                f"{list(jnp.shape(leaf))}"
            )
    _check(levels, tolerance, max_evaluations, num_starts, key)
    bows = draw_bows(key, codes_a, num_starts, first_pair)
    results, spread = devices.map_rows(
        multilevel_descent,
        (method, levels, max_evaluations),
        (metrics, jnp.asarray(tolerance, codes_a.dtype)),
        (codes_a, codes_b, items, bows),
    )
    last = results[-1]
    evaluations = np.stack([result.evaluations for result in results], 1)
    latent_dim = codes_a.shape[1]
    known = method.uses_curvature and metrics.hessian is not None
    counts = starts_on_levels(num_starts, len(levels))
    sampled = SAMPLED * latent_dim * (1 + sum(counts[1:CURVATURE_LEVELS])) * known
    return Minimised(
        last.path,
        np.stack([result.energy for result in results], 1),
        evaluations,
        (evaluations @ np.array(levels) + sampled) / levels[-1],
        last.finished,
        spread,
        last.history,
    )


def _require_metrics(metrics: Any) -> None:
    if not isinstance(metrics, MetricFamily):
        raise ValueError(
            f"expected a paths.MetricFamily, got {type(metrics).__name__}: "
            "paths.between_images makes one of a generator, paths.common of a metric"
        )


def _check(
    levels: tuple[int, ...],
    tolerance: float | Scalar,
    max_evaluations: int,
    num_starts: int,
    key: PRNGKey | None,
) -> None:
    """Raise a `ValueError` if an option is out of range; arrays are not looked at."""
    steps = zip(levels, levels[1:], strict=False)
    if not levels or levels[0] < 2 or any(b != 2 * a for a, b in steps):
        raise ValueError(f"expected levels of 2 or more that double, got {levels}")
    if num_starts < 1:
        raise ValueError(f"num_starts must be ≥ 1, got {num_starts}")
    if num_starts > 1 and key is None:
        raise ValueError(
            f"key must be given when num_starts > 1, got {num_starts} starts and no key"
        )
    negative = isinstance(tolerance, int | float) and tolerance < 0
    if negative or max_evaluations < 1:
        raise ValueError(
            "tolerance must be ≥ 0 and max_evaluations ≥ 1, got "
            f"{tolerance} and {max_evaluations}"
        )
