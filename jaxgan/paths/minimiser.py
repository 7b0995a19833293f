"""Paths of least energy between many pairs of codes, and what it cost to find them.

An *evaluation* is that of a path's energy with its gradient.
"""

from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from jaxgan.parallel import devices
from jaxgan.paths.conformal import MetricFamily
from jaxgan.paths.methods import Method
from jaxgan.paths.multilevel import CURVATURE_LEVELS, multilevel_descent
from jaxgan.paths.quasi_newton import lbfgs
from jaxgan.paths.starts import SAMPLED, draw_bows
from jaxgan.types import Latents, PRNGKey

DEFAULT_METHOD = lbfgs()


class Minimised(NamedTuple):
    """Paths of least energy and how they were found.

    Attributes:
        paths: the best paths found.
        energies: energy of the best path at the end of each level; infinite where
            nothing was finite.
        evaluations: number of evaluations on each level, summed over the starts.
        cost: number of evaluations, an evaluation on a coarser level counted by its
            share of the finest level's segments. A column of the Jacobian that the
            curvature needs counts as one segment.
        finished: whether the last level ended because nothing was left to gain.
        spread: energies of all starts at the end of the coarsest level.
        history: best energy after each evaluation on the finest level; after the last
            evaluation its value is repeated.
    """

    paths: Float[np.ndarray, "pairs knots latent"]
    energies: Float[np.ndarray, "pairs levels"]
    evaluations: Int[np.ndarray, "pairs levels"]
    cost: Float[np.ndarray, "pairs"]
    finished: Bool[np.ndarray, "pairs"]
    spread: Float[np.ndarray, "pairs starts"]
    history: Float[np.ndarray, "pairs evaluations"]


def minimise(
    metrics: MetricFamily,
    codes_a: Latents,
    codes_b: Float[Array, "other_pairs other_latent"],
    items: Any = None,
    *,
    levels: tuple[int, ...] = (8, 16, 32, 64),
    method: Method = DEFAULT_METHOD,
    tolerance: float = 1e-5,
    max_evaluations: int = 100,
    num_starts: int = 1,
    key: PRNGKey | None = None,
    first_pair: int = 0,
) -> Minimised:
    """Return a path of least energy for each pair of codes.

    Apart from rounding, what is found for a pair depends neither on the other pairs nor
    on the devices that share them.

    Args:
        metrics: of the pairs. A second call with the same ones, the same method and the
            same shapes compiles nothing.
        codes_a: first code of each pair, in the precision to compute in.
        codes_b: second code of each pair.
        items: data of each pair's metric (`MetricFamily`), such as its two images: a
            tree of arrays with a leading axis of pairs.
        levels: number of segments of each level, each twice that of the level before.
        method: to minimise the energy with; by default preconditioned `lbfgs`.
        tolerance: a level of a pair ends when the decrease predicted for the next step,
            or made by the last ones, is below this part of its energy. On coarser
            levels it is multiplied by the square of the ratio of segment lengths, as
            their energies are less exact. With 0 only `max_evaluations` ends a level.
        max_evaluations: greatest number of evaluations on each level.
        num_starts: starts of each pair on the coarsest level: the straight line, and
            others with random bows. The best of them goes on to the next level.
        key: of the bows; required when `num_starts` > 1, and not used otherwise.
        first_pair: number of the first pair, for the key.

    Raises:
        ValueError: if the codes differ in shape, levels do not double, a number is out
            of range, or the key is missing.
    """
    if codes_a.shape != codes_b.shape or codes_a.ndim != 2:
        raise ValueError(
            f"expected codes_a and codes_b [pairs, latent], got {codes_a.shape} and "
            f"{codes_b.shape}"
        )
    steps = zip(levels, levels[1:], strict=False)
    if not levels or levels[0] < 2 or any(b != 2 * a for a, b in steps):
        raise ValueError(f"expected levels of 2 or more that double, got {levels}")
    if num_starts < 1:
        raise ValueError(f"num_starts must be ≥ 1, got {num_starts}")
    if num_starts > 1 and key is None:
        raise ValueError(
            f"key must be given when num_starts > 1, got {num_starts} starts and no key"
        )
    if tolerance < 0 or max_evaluations < 1:
        raise ValueError(
            "tolerance must be ≥ 0 and max_evaluations ≥ 1, got "
            f"{tolerance} and {max_evaluations}"
        )
    bows = draw_bows(key, codes_a, num_starts, first_pair)
    results, spread = devices.map_rows(
        multilevel_descent,
        (metrics, method, levels, max_evaluations),
        (jnp.asarray(tolerance, codes_a.dtype),),
        (codes_a, codes_b, items, bows),
    )
    last = results[-1]
    evaluations = np.stack([result.evaluations for result in results], 1)
    latent_dim = codes_a.shape[1]
    known = method.uses_curvature and metrics.curvature is not None
    sampled = SAMPLED * latent_dim * min(len(levels), CURVATURE_LEVELS) if known else 0
    return Minimised(
        last.path,
        np.stack([result.energy for result in results], 1),
        evaluations,
        (evaluations @ np.array(levels) + sampled) / levels[-1],
        last.finished,
        spread,
        last.history,
    )
