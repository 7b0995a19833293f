"""Convex hulls of points of the rate-distortion plane, and the test between two."""

import jax.numpy as jnp
import numpy as np
import pytest
from scipy.spatial import ConvexHull

from experiments.rate_distortion import frontiers, measures
from experiments.rate_distortion.frontiers import Curve


def test_the_hull_is_that_of_the_points_and_all_that_is_worse():
    rng = np.random.default_rng(0)
    for _ in range(20):
        points = rng.uniform(size=(12, 2))
        x, y = points.T
        rates, distortions = frontiers.hull(x, y)
        assert np.all(np.diff(rates) > 0) and np.all(np.diff(distortions) < 0)
        # Corners are those of the hull of points, and of points far above and right.
        worse = np.concatenate([points + [100, 0], points + [0, 100], points])
        vertices = worse[ConvexHull(worse).vertices]
        expected = {tuple(v) for v in vertices if v.max() < 2}
        assert set(zip(rates, distortions, strict=True)) == expected
        at = frontiers.distortion_at(x, y, x)
        assert np.all(at <= y + 1e-12)


def test_the_hull_of_one_point_or_of_a_line():
    rates, distortions = frontiers.hull(np.array([1.0]), np.array([2.0]))
    assert rates.tolist() == [1] and distortions.tolist() == [2]
    rates, _ = frontiers.hull(np.array([0.0, 1, 2]), np.array([2.0, 1, 0]))
    assert rates.tolist() == [0, 2]
    rates, _ = frontiers.hull(np.array([0.0, 1, 1]), np.array([1.0, 1, 1]))
    assert rates.tolist() == [0]


def curve(rng, shift=0.0, seeds=3, images=200, lost=0.0, rates=(1.0, 5.0, 20.0)):
    """Images of differing difficulty, the same for all curves; D = 100/(1 + R)."""
    difficulty = np.random.default_rng(7).uniform(0.5, 1.5, images)
    of_seed = rng.normal(0, 0.005, (len(rates), seeds, 1))
    r = np.array(rates)[:, None, None] * difficulty * np.exp(of_seed)
    d = 100 / (1 + np.array(rates))[:, None, None] * difficulty
    d = d + shift + lost * r + rng.normal(0, 0.5, r.shape)
    return Curve(np.broadcast_to(r, d.shape), d)


@pytest.mark.parametrize(
    ("shift", "lost", "verdict"),
    [(-3.0, 0.0, "second"), (3.0, 0.0, "first"), (-3.0, 0.6, "neither")],
)
def test_a_difference_is_found_with_its_sign(shift, lost, verdict):
    rng = np.random.default_rng(0)
    found = frontiers.dominance(0, curve(rng), curve(rng, shift, lost=lost))
    assert found.verdict == verdict
    assert np.all(found.low < found.gaps) and np.all(found.gaps < found.high)
    if verdict == "neither":
        assert found.low[0] > 0 and found.high[-1] < 0
    else:
        np.testing.assert_allclose(found.gaps, -shift, atol=1)


def test_equal_curves_are_seldom_told_apart():
    """A claim at every rate at once is false less often than one interval."""
    rng = np.random.default_rng(1)
    found = [frontiers.dominance(0, curve(rng), curve(rng)) for _ in range(25)]
    assert sum(f.verdict != "neither" for f in found) <= 3
    outside = np.mean([(f.low > 0) | (f.high < 0) for f in found])
    assert outside < 0.15


def test_rates_that_both_achieve():
    rng = np.random.default_rng(0)
    first, second = curve(rng), curve(rng, rates=(3.0, 50.0))
    rates = frontiers.common_rates(first, second)
    assert rates[0] == pytest.approx(3, rel=0.1)
    assert rates[-1] == pytest.approx(20, rel=0.1)
    apart = frontiers.dominance(0, first, curve(rng, rates=(300.0, 500.0)))
    assert apart.verdict == "neither" and len(apart.rates) == 0


def test_the_gap_at_equal_beta_is_that_of_the_objectives():
    rng = np.random.default_rng(0)
    betas = np.array([0.1, 1.0, 10.0])
    covered = []
    for _ in range(60):
        first, second = curve(rng), curve(rng, shift=-0.5, lost=0.02)
        found = frontiers.at_equal_beta(betas, first, second)
        objectives = [
            (each.distortions + betas[:, None, None] * each.rates).mean((1, 2))
            for each in (first, second)
        ]
        np.testing.assert_allclose(found.gaps, objectives[1] - objectives[0])
        # Rates are the same in the mean, and distortions are 0.02 R − 0.5 more.
        truth = 0.02 * np.array([1.0, 5.0, 20.0]) * 1.0 - 0.5
        covered.append((found.low <= truth) & (truth <= found.high))
    assert np.mean(covered) > 0.9


def test_curves_that_are_no_pairs_are_refused():
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match="two or more seeds"):
        frontiers.at_equal_beta(np.ones(3), curve(rng, seeds=1), curve(rng, seeds=1))
    with pytest.raises(ValueError, match="two or more seeds and the same images"):
        frontiers.dominance(0, curve(rng), curve(rng, seeds=2))
    with pytest.raises(ValueError, match="two or more seeds"):
        frontiers.dominance(0, curve(rng, seeds=1), curve(rng, seeds=1))


def mismatch(codes, others):
    return measures.mismatch(jnp.asarray(codes), jnp.asarray(others))


def test_the_mismatch_is_a_difference_of_normal_code_lengths():
    rng = np.random.default_rng(0)
    mixing = rng.normal(size=(3, 3))
    codes = (rng.normal(size=(4000, 3)) @ mixing + 1).astype(np.float32)
    others = (rng.normal(size=(4000, 3)) @ mixing * 1.3 + 1.5).astype(np.float32)
    found = mismatch(codes, others)

    inverse = np.linalg.inv(np.cov(codes.T, bias=True))

    def length(z):
        z = z - codes.mean(0)
        return 0.5 * np.einsum("ni,ij,nj->n", z, inverse, z).mean()

    assert float(found) == pytest.approx(length(others) - length(codes), rel=1e-3)
    assert abs(float(mismatch(codes, codes))) < 1e-4
    # A constant code informs of nothing, and adds nothing.
    still = np.concatenate([codes, np.ones((4000, 1), np.float32)], 1)
    moved = np.concatenate([others, np.ones((4000, 1), np.float32)], 1)
    assert float(mismatch(still, moved)) == pytest.approx(float(found), rel=1e-3)
