"""Intervals, bootstraps and permutation tests, against formulas and by counting."""

import jax
import numpy as np
import pytest
from scipy import stats

from jaxgan import statistics

KEY = jax.random.key(0)


@pytest.mark.parametrize(("hits", "trials"), [(0, 10), (3, 10), (10, 10), (40, 100)])
def test_the_ends_of_wilsons_interval_solve_its_equation(hits, trials):
    """There the share found is 1.96 standard deviations away, and no end is beyond."""
    found = statistics.wilson(hits, trials)
    assert 0 <= found.low <= found.value == hits / trials <= found.high <= 1
    for end in (found.low, found.high):
        deviation = (found.value - end) ** 2 * trials / (end * (1 - end) or 1)
        is_exact = end == found.value
        assert is_exact or deviation == pytest.approx(stats.norm.ppf(0.975) ** 2)


def test_more_hits_than_trials_are_refused():
    with pytest.raises(ValueError, match="got 3 of 2"):
        statistics.wilson(3, 2)


def test_error_of_a_mean_is_the_limit_of_its_bootstrap():
    values = np.random.default_rng(0).exponential(size=2000)
    limit = statistics.mean_of(values)
    drawn = statistics.bootstrap(KEY, lambda v: float(v.mean()), values)
    assert limit.value == drawn.value
    assert limit.standard_error == pytest.approx(drawn.standard_error, rel=0.35)


def test_errors_of_few_values_keep_one_convention():
    values = np.random.default_rng(0).exponential(size=4)
    wanted = stats.sem(values)
    assert statistics.mean_of(values).standard_error == pytest.approx(wanted)
    drawn = [
        statistics.bootstrap(key, lambda v: float(v.mean()), values).standard_error ** 2
        for key in jax.random.split(KEY, 40)
    ]
    assert np.mean(drawn) == pytest.approx(wanted**2, rel=0.1)


def test_without_values_there_is_no_estimate():
    none = np.zeros(0)
    assert np.isnan(statistics.mean_of(np.ones(1)).standard_error)
    with pytest.raises(ValueError, match="n ≥ 1"):
        statistics.mean_of(none)
    with pytest.raises(ValueError, match="at least two rows, got 1"):
        statistics.bootstrap(KEY, lambda v: float(v.mean()), np.ones(1))
    with pytest.raises(ValueError, match="at least one row"):
        statistics.bootstrap_interval(KEY, none, lambda v: float(v.mean()))
    with pytest.raises(ValueError, match="got 0 and 2"):
        statistics.permutation_p(none, np.ones(2))


def test_the_permutation_test_is_exact():
    low, high = np.array([1.0, 2.0, 3.0]), np.array([7.0, 8.0, 9.0])
    assert statistics.permutation_p(low, high) == pytest.approx(2 / 20)
    assert statistics.permutation_p(low, low) == 1
    rng = np.random.default_rng(0)
    draws = [statistics.permutation_p(*rng.normal(size=(2, 4))) for _ in range(400)]
    assert np.isnan(statistics.permutation_p(low, np.array([1.0, np.nan])))
    # Under the null hypothesis P(p ≤ α) ≤ α.
    assert np.mean(np.array(draws) <= 0.1) == pytest.approx(0.1, abs=0.05)
