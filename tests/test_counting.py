import jax
import numpy as np
import pytest
from scipy import stats

from jaxgan import counting

KEY = jax.random.key(0)


def test_clusters_are_chains():
    points = np.array([[0.0], [0.9], [1.8], [5.0], [5.5], [9.0]])
    np.testing.assert_array_equal(counting.cluster(points, 1.0), [0, 0, 0, 1, 1, 2])
    np.testing.assert_array_equal(counting.cluster(points, 0.1), np.arange(6))


def test_good_turing_and_chao_on_a_known_sample():
    labels = np.array([0, 0, 0, 1, 1, 2, 3, 4])  # f₁ = 3, f₂ = 1
    assert counting.good_turing(labels) == pytest.approx(1 - 3 / 8)
    assert counting.chao(labels) == pytest.approx(5 + 3 * 2 / (2 * 2))


def test_good_turing_estimates_the_unseen_probability():
    rng = np.random.default_rng(0)
    shares = 1 / np.arange(1, 201)
    shares = shares / shares.sum()
    gaps = []
    for _ in range(200):
        drawn = rng.choice(200, 100, p=shares)
        unseen = shares[~np.isin(np.arange(200), drawn)].sum()
        _, labels = np.unique(drawn, return_inverse=True)
        gaps.append(counting.good_turing(labels) - (1 - unseen))
    assert abs(np.mean(gaps)) < 0.01


def test_chao_is_a_lower_bound_that_is_tight_for_equal_shares():
    rng = np.random.default_rng(0)
    values = []
    for _ in range(300):
        _, labels = np.unique(rng.integers(0, 50, 100), return_inverse=True)
        values.append(counting.chao(labels))
    assert np.mean(values) == pytest.approx(50, rel=0.05)


@pytest.mark.parametrize(("hits", "trials"), [(0, 10), (3, 10), (10, 10), (40, 100)])
def test_wilson_agrees_with_scipy(hits, trials):
    ours = counting.wilson(hits, trials)
    theirs = stats.binomtest(hits, trials).proportion_ci(method="wilson")
    assert ours.low == pytest.approx(theirs.low, abs=1e-12)
    assert ours.high == pytest.approx(theirs.high, abs=1e-12)


def test_wilson_refuses_nonsense():
    with pytest.raises(ValueError, match="got 3 of 2"):
        counting.wilson(3, 2)


def test_starts_needed_for_a_sure_success():
    assert counting.starts_needed(0.5) == pytest.approx(np.log(0.01) / np.log(0.5))
    assert counting.starts_needed(1.0) == 1
    assert counting.starts_needed(0.0) == np.inf
    assert counting.starts_needed(0.999) == 1


def test_a_count_tells_codes_from_images():
    """Three minima, two of which look alike."""
    codes = np.array([[0.0, 0.0], [3.0, 0.0], [0.0, 4.0]])
    looks = np.array([[0.0] * 4, [0.0] * 4, [1.0] * 4])
    which = np.array([0, 0, 0, 1, 1, 2, 2, 2, 2, 2])
    errors = np.array([0.1, 0.1, 0.3])[which]
    found = counting.count_minima(KEY, codes[which], looks[which], errors)
    assert (found.seen, found.seen_images) == (3, 2)
    assert found.success.value == pytest.approx(0.3)
    assert found.coverage.value == 1 and found.at_least.value == 3
    assert found.coverage.low <= 1 == found.coverage.high
    pairs = found.pairs
    assert sum(pairs) == pytest.approx(1)
    assert pairs.same_code_same_image == pytest.approx((3 + 1 + 10) / 45)
    assert pairs.other_code_same_image == pytest.approx(6 / 45)
    assert pairs.same_code_other_image == 0


def test_counts_need_end_points():
    with pytest.raises(ValueError, match="without end points"):
        counting.count_minima(KEY, np.zeros((0, 2)), np.zeros((0, 4)), np.zeros(0))
