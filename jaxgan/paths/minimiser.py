"""Paths of least energy between many pairs of codes, with what finding them took.

All costs are counted in evaluations of the finest level.
"""

from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from jaxgan.parallel import devices
from jaxgan.paths.conformal import MetricFamily
from jaxgan.paths.methods import Method
from jaxgan.paths.multilevel import RENEWED, multilevel_descent
from jaxgan.paths.quasi_newton import lbfgs
from jaxgan.paths.starts import SAMPLED, draw_bows
from jaxgan.types import Latents, PRNGKey

DEFAULT_METHOD = lbfgs()


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
    """Find a path of least energy for each pair.

    What is found for a pair does not depend on the other pairs, nor on the devices that
    share them, beyond rounding.

    Args:
        metrics: of the pairs; whoever calls again with the same ones, the same method
            and the same shapes compiles nothing.
        codes_a: first code of each pair, in the precision to compute in.
        codes_b: second code of each pair.
        items: which metric each pair has: a tree of arrays with a leading axis.
        levels: segments, each twice as many as before.
        method: one of `jaxgan.paths.methods`; default: its `lbfgs`.
        tolerance: a pair ends when its gain, expected from the next step or made by the
            last ones, is below this part of its energy. Coarser levels are less
            exact, as their energies are: by the square of their segments' length.
            0: only `max_evaluations` ends it.
        max_evaluations: of the gradient, for each level.
        num_starts: of each pair on the coarsest level: the straight line, and others
            with random bows, of which the best one goes on.
        key: of the bows; required when `num_starts` > 1, and not used otherwise.
        first_pair: number of the first pair, for the key.

    Raises:
        ValueError: if shapes, levels or numbers do not fit.
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
    arrivals, spread = devices.map_rows(
        multilevel_descent,
        (metrics, method, levels, max_evaluations),
        (jnp.asarray(tolerance, codes_a.dtype),),
        (codes_a, codes_b, items, bows),
    )
    last = arrivals[-1]
    evaluations = np.stack([a.evaluations for a in arrivals], 1)
    latent_dim = codes_a.shape[1]
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
