"""Estimates with their uncertainty: standard errors, intervals, permutation tests.

SciPy is imported where it is used: it would double the time of `import jaxgan`.
"""

import math
from collections.abc import Callable
from typing import NamedTuple

import jax
import numpy as np
from jaxtyping import Float, Shaped

from jaxgan.types import PRNGKey

LEVEL = 0.95
"""Of every confidence interval."""
RESAMPLES = 1000
"""Redrawn samples for an interval."""
REDRAWN = 50
"""Redrawn samples for a standard error."""


class Estimate(NamedTuple):
    """A number and how well it is known.

    Attributes:
        value: computed from all rows.
        standard_error: bootstrap standard deviation of `value`.
    """

    value: float
    standard_error: float


def mean_of(values: Shaped[np.ndarray, "n"]) -> Estimate:
    """Mean of a number per row, with the limit of its bootstrap standard error."""
    values = np.asarray(values, np.float64)
    return Estimate(float(values.mean()), float(values.std() / np.sqrt(len(values))))


def bootstrap(
    key: PRNGKey, statistic: Callable[..., float], *samples: np.ndarray
) -> Estimate:
    """Evaluate a statistic, and its spread over samples redrawn with replacement."""
    redrawn = []
    for number in range(REDRAWN):
        keys = jax.random.split(jax.random.fold_in(key, number), len(samples))
        rows = [
            np.asarray(jax.random.randint(k, (len(s),), 0, len(s)))
            for k, s in zip(keys, samples, strict=True)
        ]
        redrawn.append(statistic(*(s[r] for s, r in zip(samples, rows, strict=True))))
    return Estimate(statistic(*samples), float(np.std(redrawn, ddof=1)))


class Interval(NamedTuple):
    """An estimate with its 95 % confidence interval."""

    value: float
    low: float
    high: float


def wilson(hits: int, trials: int) -> Interval:
    """Return a proportion with Wilson's score interval (1927) at 95 %.

    Raises:
        ValueError: if there are no trials, or more hits than trials.
    """
    from scipy.stats import binomtest

    if not 0 <= hits <= trials or trials == 0:
        raise ValueError(f"expected 0 ≤ hits ≤ trials > 0, got {hits} of {trials}")
    interval = binomtest(hits, trials).proportion_ci(LEVEL, "wilson")
    return Interval(hits / trials, float(interval.low), float(interval.high))


def bootstrap_interval(
    key: PRNGKey,
    rows: Shaped[np.ndarray, "n ..."],
    statistic: Callable[[np.ndarray], float],
) -> Interval:
    """Give a statistic with the percentiles of its values on redrawn rows.

    The interval is widened to the value where it does not contain it.
    """
    count = len(rows)
    drawn = np.asarray(jax.random.randint(key, (RESAMPLES, count), 0, count))
    values = [statistic(rows[some]) for some in drawn]
    low, high = np.quantile(values, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    value = statistic(rows)
    return Interval(value, min(float(low), value), max(float(high), value))


def permutation_p(a: Float[np.ndarray, "n"], b: Float[np.ndarray, "m"]) -> float:
    """Return the two-sided p-value of a difference of means over all relabellings.

    It is exact: every division of the values into two groups of these sizes is tried.
    NaN if a value is.
    """
    from scipy.stats import permutation_test

    if not (np.isfinite(a).all() and np.isfinite(b).all()):
        return float("nan")

    def difference(a: np.ndarray, b: np.ndarray, axis: int) -> np.ndarray:
        return a.mean(axis) - b.mean(axis)

    relabellings = math.comb(len(a) + len(b), len(a))  # all: the test is exact
    found = permutation_test(
        (a, b), difference, vectorized=True, n_resamples=relabellings
    )
    return float(found.pvalue)
