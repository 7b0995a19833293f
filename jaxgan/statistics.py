"""Estimates with their uncertainty: standard errors, intervals, permutation tests.

All standard errors keep one convention: for the mean of n rows they are an estimate of
s/√n, with s² the sum of the squared deviations over n − 1.

>>> import numpy as np
>>> from jaxgan import statistics
>>> interval = statistics.wilson(8, 10)
>>> round(interval.low, 2), interval.value, round(interval.high, 2)
(0.49, 0.8, 0.94)
>>> round(statistics.permutation_p(np.array([1.0, 2.0]), np.array([3.0, 4.0])), 3)
0.333
"""

import math
from collections.abc import Callable
from typing import NamedTuple

import jax
import numpy as np
from jaxtyping import Float, Shaped

from jaxgan.types import PRNGKey

__all__ = [
    "Estimate",
    "Interval",
    "bootstrap",
    "bootstrap_interval",
    "mean_of",
    "permutation_p",
    "wilson",
]

CONFIDENCE = 0.95
"""Level of every interval."""
INTERVAL_RESAMPLES = 1000
"""Bootstrap samples for an interval."""
ERROR_RESAMPLES = 50
"""Bootstrap samples for a standard error."""

# SciPy is imported where it is used: it would double the time of `import jaxgan`.


class Estimate(NamedTuple):
    """A number and how well it is known.

    Attributes:
        value: computed from all rows.
        standard_error: estimated standard deviation of `value`; NaN if one row is all
            there is.
    """

    value: float
    standard_error: float


def mean_of(values: Shaped[np.ndarray, "n"]) -> Estimate:
    """Return the mean of n values with its standard error s/√n.

    That is what `bootstrap` tends to for many resamples.

    Raises:
        ValueError: if there are no values.
    """
    values = np.asarray(values, np.float64)
    if values.ndim != 1 or not len(values):
        raise ValueError(f"expected values [n], n ≥ 1, got {list(values.shape)}")
    error = values.std(ddof=1) / np.sqrt(len(values)) if len(values) > 1 else np.nan
    return Estimate(float(values.mean()), float(error))


def bootstrap(
    key: PRNGKey, statistic: Callable[..., float], *samples: np.ndarray
) -> Estimate:
    """Return a statistic with its bootstrap standard error (Efron 1979).

    That is the standard deviation of the statistic when the rows of every sample are
    drawn anew, with replacement, from the given ones. It is too small by √(1 − 1/n) for
    the mean of n rows, and corrected by that factor, n being the rows of the smallest
    sample.

    Args:
        key: of the draws.
        statistic: `statistic(*samples) -> float`.
        *samples: arrays with independent rows.

    Raises:
        ValueError: if a sample has fewer than two rows.
    """
    fewest = min(map(len, samples))
    if fewest < 2:
        raise ValueError(f"a bootstrap needs at least two rows, got {fewest}")
    redrawn = []
    for number in range(ERROR_RESAMPLES):
        keys = jax.random.split(jax.random.fold_in(key, number), len(samples))
        rows = [
            np.asarray(jax.random.randint(k, (len(s),), 0, len(s)))
            for k, s in zip(keys, samples, strict=True)
        ]
        redrawn.append(statistic(*(s[r] for s, r in zip(samples, rows, strict=True))))
    spread = np.std(redrawn, ddof=1) / np.sqrt(1 - 1 / fewest)
    return Estimate(statistic(*samples), float(spread))


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
    interval = binomtest(hits, trials).proportion_ci(CONFIDENCE, "wilson")
    return Interval(hits / trials, float(interval.low), float(interval.high))


def bootstrap_interval(
    key: PRNGKey,
    rows: Shaped[np.ndarray, "n ..."],
    statistic: Callable[[np.ndarray], float],
) -> Interval:
    """Return a statistic with its 95 % bootstrap percentile interval.

    The interval is widened to contain the statistic where it does not. Of one row
    nothing can be drawn but that row, and the interval has no length.

    Raises:
        ValueError: if there are no rows.
    """
    if not len(rows):
        raise ValueError("an interval needs at least one row, got none")
    count = len(rows)
    shape = (INTERVAL_RESAMPLES, count)
    drawn = np.asarray(jax.random.randint(key, shape, 0, count))
    values = [statistic(rows[some]) for some in drawn]
    low, high = np.quantile(values, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    value = statistic(rows)
    return Interval(value, min(float(low), value), max(float(high), value))


def permutation_p(a: Float[np.ndarray, "n"], b: Float[np.ndarray, "m"]) -> float:
    """Return the two-sided p-value of a difference of means over all relabellings.

    It is exact: every division of the values into two groups of these sizes is tried.
    NaN if a value is not finite.

    Raises:
        ValueError: if a group is empty.
    """
    if not len(a) or not len(b):
        raise ValueError(f"both groups need values, got {len(a)} and {len(b)}")

    from scipy.stats import permutation_test

    if not (np.isfinite(a).all() and np.isfinite(b).all()):
        return float("nan")

    def difference(
        a: Float[np.ndarray, "*b n"], b: Float[np.ndarray, "*b m"], axis: int
    ) -> Float[np.ndarray | np.floating, "*b"]:
        return a.mean(axis) - b.mean(axis)

    relabellings = math.comb(len(a) + len(b), len(a))  # all: the test is exact
    result = permutation_test(
        (a, b), difference, vectorized=True, n_resamples=relabellings
    )
    return float(result.pvalue)
