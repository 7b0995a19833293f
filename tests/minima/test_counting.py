import jax
import numpy as np
import pytest

from jaxgan import minima, statistics
from jaxgan.minima import counting

KEY = jax.random.key(0)


def test_clusters_are_chains():
    points = np.array([[0.0], [0.9], [1.8], [5.0], [5.5], [9.0]])
    np.testing.assert_array_equal(counting.cluster(points, 1.0), [0, 0, 0, 1, 1, 2])
    np.testing.assert_array_equal(counting.cluster(points, 0.1), np.arange(6))


def test_alike_are_no_chains():
    points = np.array([[0.0], [0.9], [1.8], [5.0], [5.5], [9.0]])
    np.testing.assert_array_equal(counting.alike(points, 1.0), [0, 0, 1, 2, 2, 3])
    np.testing.assert_array_equal(counting.alike(points, 0.1), np.arange(6))
    np.testing.assert_array_equal(counting.alike(points[::-1], 2.0), [0, 1, 1, 2, 2, 2])


@pytest.mark.parametrize("count", [1, 2, 40, 200])
def test_no_two_that_are_alike_are_farther_apart(count):
    points = np.random.default_rng(count).normal(size=(count, 3))
    groups = counting.alike(points, 0.8)
    first = np.unique(groups, return_index=True)[1]
    assert (np.diff(first) > 0).all() and groups.max() + 1 == len(first)
    gaps = np.linalg.norm(points[:, None] - points[None], axis=2)
    assert gaps[groups[:, None] == groups[None]].max() <= 0.8
    # Groups of which all pairs are near would have been joined.
    for one in range(len(first)):
        for other in range(one):
            joined = np.isin(groups, (one, other))
            assert gaps[joined][:, joined].max() > 0.8


@pytest.mark.parametrize("count", [1, 2, 40, 200])
def test_groups_are_numbered_by_their_first_points(count):
    """Against a search through the neighbours, one point after the other."""
    points = np.random.default_rng(count).normal(size=(count, 2))
    expected = np.full(count, -1)
    for first in range(count):
        waiting = [first] if expected[first] < 0 else []
        group = expected.max() + 1
        while waiting:
            point = waiting.pop()
            expected[point] = group
            near = np.linalg.norm(points - points[point], axis=1) <= 0.2
            waiting += list(np.flatnonzero(near & (expected < 0)))
    np.testing.assert_array_equal(counting.cluster(points, 0.2), expected)


def test_good_turing_and_chao_on_a_known_sample():
    labels = np.array([0, 0, 0, 1, 1, 2, 3, 4])  # f₁ = 3, f₂ = 1
    assert minima.good_turing(labels).value == pytest.approx(1 - 3 / 8)
    assert minima.chao(labels).value == pytest.approx(5 + 3 * 2 / (2 * 2))


def test_good_turing_estimates_the_unseen_probability():
    rng = np.random.default_rng(0)
    shares = 1 / np.arange(1, 201)
    shares = shares / shares.sum()
    gaps = []
    for _ in range(200):
        drawn = rng.choice(200, 100, p=shares)
        unseen = shares[~np.isin(np.arange(200), drawn)].sum()
        _, labels = np.unique(drawn, return_inverse=True)
        gaps.append(minima.good_turing(labels).value - (1 - unseen))
    assert abs(np.mean(gaps)) < 0.01


def test_chao_is_a_lower_bound_that_is_tight_for_equal_shares():
    rng = np.random.default_rng(0)
    values = []
    for _ in range(300):
        _, labels = np.unique(rng.integers(0, 50, 100), return_inverse=True)
        values.append(minima.chao(labels).value)
    assert np.mean(values) == pytest.approx(50, rel=0.05)


SHARES = {
    "few": np.ones(5) / 5,
    "many": np.ones(200) / 200,
    "falling": 0.8 ** np.arange(40) / np.sum(0.8 ** np.arange(40)),
    "one and rare ones": np.array([0.99] + [0.001] * 10),
}


def naive(labels, statistic):
    """The sample redrawn, as is often done."""
    return statistics.bootstrap_interval(
        KEY, labels, lambda some: statistic(some).value
    )


@pytest.mark.parametrize("shares", SHARES.values(), ids=SHARES)
def test_intervals_of_coverage_and_bounds_hold_what_they_promise(shares):
    rng = np.random.default_rng(0)
    covered, bounded = [], []
    for _ in range(400):
        times = rng.multinomial(100, shares)
        labels = np.repeat(np.arange(np.sum(times > 0)), times[times > 0])
        coverage = minima.good_turing(labels)
        covered.append(coverage.low <= shares[times > 0].sum() <= coverage.high)
        bounded.append(minima.chao(labels).low <= len(shares))
    assert np.mean(covered) >= 0.91 and np.mean(bounded) >= 0.93


def test_redrawing_a_sample_overstates_its_coverage():
    rng = np.random.default_rng(0)
    missed = []
    for _ in range(20):
        drawn = rng.integers(0, 200, 100)
        _, labels = np.unique(drawn, return_inverse=True)
        interval = naive(labels, minima.good_turing)
        missed.append(interval.low > len(np.unique(drawn)) / 200)
    assert np.mean(missed) > 0.3  # 95 % intervals promise 0.05


def test_the_interval_of_chao_is_that_of_its_paper():
    # S = 5, f₁ = 3, f₂ = 1: the variance of Chao's eq. (10), bias-corrected.
    found = minima.chao(np.array([0, 0, 0, 1, 1, 2, 3, 4]))
    variance = 3 * 2 / 4 + 3 * 5**2 / 16 + 3**2 * 1 * 2**2 / (4 * 16)
    spread = np.exp(counting.NORMAL_QUANTILE * np.sqrt(np.log(1 + variance / 1.5**2)))
    assert found == pytest.approx((6.5, 5 + 1.5 / spread, 5 + 1.5 * spread))


def test_starts_needed_for_a_sure_success():
    assert minima.starts_needed(0.5) == pytest.approx(np.log(0.01) / np.log(0.5))
    assert minima.starts_needed(1.0) == 1
    assert minima.starts_needed(0.0) == np.inf
    assert minima.starts_needed(0.999) == 1


def test_a_count_tells_codes_from_images():
    """Three minima, two of which look alike."""
    codes = np.array([[0.0, 0.0], [3.0, 0.0], [0.0, 4.0]])
    looks = np.array([[0.0] * 4, [0.0] * 4, [1.0] * 4])
    which = np.array([0, 0, 0, 1, 1, 2, 2, 2, 2, 2])
    errors = np.array([0.1, 0.1, 0.3])[which]
    found = minima.count_minima(codes[which], looks[which], errors)
    assert (found.seen, found.seen_images) == (3, 2)
    # The starts 0, 2, … choose the first minimum, in which 1 of 1, 3, 5, 7 and 9 ends.
    assert found.success.value == pytest.approx(0.2)
    assert found.coverage.value == 1 and found.at_least.value == 3
    assert found.coverage.low <= 1 == found.coverage.high
    pairs = found.pairs
    assert sum(pairs) == pytest.approx(1)
    assert pairs.same_code_same_image == pytest.approx((3 + 1 + 10) / 45)
    assert pairs.other_code_same_image == pytest.approx(6 / 45)
    assert pairs.same_code_other_image == 0


def test_those_that_choose_the_best_minimum_do_not_count():
    codes = np.eye(3)[[0, 1, 1, 2, 2, 2, 0]]
    values = np.array([0.1, 0.5, 0.5, 0.0, 0.0, 0.0, 0.1])
    independent = np.array([False, False, False, True, True, True, True])
    found = minima.count_minima(codes, codes, values, independent)
    # The first three choose minimum 0; of the last four, one ends there.
    assert found.success.value == pytest.approx(1 / 4)
    assert found.starts_to_99 == minima.starts_needed(1 / 4)
    # Seen by the last four: minimum 2 three times, minimum 0 once.
    assert found.coverage == minima.good_turing(np.array([0, 0, 0, 1]))
    assert found.at_least == minima.chao(np.array([0, 0, 0, 1]))
    assert found.seen == 3
    alone = minima.count_minima(codes, codes, values, np.ones(7, bool))
    assert np.isnan(alone.success).all() and np.isnan(alone.starts_to_99)
    assert np.isfinite(alone.coverage).all()
    none = minima.count_minima(codes, codes, values, np.zeros(7, bool))
    assert np.isnan([*none.coverage, *none.at_least, *none.success]).all()


def test_a_best_minimum_of_the_starts_that_found_it_looks_too_easy():
    """Forty minima, all equally likely; the best of those found is one of them."""
    rng = np.random.default_rng(0)
    codes, honest, naive = np.eye(40), [], []
    values = np.arange(40.0)
    for _ in range(300):
        which = rng.integers(0, 40, 20)
        found = minima.count_minima(codes[which], codes[which], values[which])
        honest.append(found.success.value)
        naive.append(np.mean(which == which.min()))
    assert np.mean(honest) == pytest.approx(1 / 40, abs=0.01)
    assert np.mean(naive) > 2 / 40


def test_counts_need_end_points():
    with pytest.raises(ValueError, match="without end points"):
        minima.count_minima(np.zeros((0, 2)), np.zeros((0, 4)), np.zeros(0))
