import jax
import numpy as np
import pytest
from scipy import linalg

from jaxgan import evaluation

KEY = jax.random.key(0)
RNG = np.random.default_rng(0)


def gaussian(n, mean, scale=1.0, d=3):
    return (mean + scale * RNG.standard_normal((n, d))).astype(np.float32)


def scipy_frechet(a, b):
    """The usual formula, with a complex root of a product that is not symmetric."""
    root = linalg.sqrtm(a.covariance @ b.covariance)
    shift = a.mean - b.mean
    return shift @ shift + np.trace(a.covariance + b.covariance - 2 * np.real(root))


def test_frechet_agrees_with_the_matrix_root_of_scipy():
    mix = RNG.standard_normal((6, 6))
    a = evaluation.moments(RNG.standard_normal((500, 6)) @ mix)
    b = evaluation.moments(1 + RNG.standard_normal((400, 6)))
    assert evaluation.frechet_between(a, b) == pytest.approx(scipy_frechet(a, b), 1e-9)


def test_frechet_of_gaussians_that_commute_is_closed_form():
    a = evaluation.Moments(np.zeros(2), np.diag([4.0, 9.0]))
    b = evaluation.Moments(np.array([3.0, 4.0]), np.diag([1.0, 0.0]))
    assert evaluation.frechet_between(a, b) == pytest.approx(25 + (2 - 1) ** 2 + 3**2)


def test_frechet_is_exact_for_singular_covariances():
    line = RNG.standard_normal((50, 1)) @ RNG.standard_normal((1, 20))
    a = evaluation.moments(line)
    b = evaluation.Moments(a.mean + 0.1, a.covariance)
    assert evaluation.frechet_between(a, a) == pytest.approx(0, abs=1e-8)
    assert evaluation.frechet_between(a, b) == pytest.approx(20 * 0.01, abs=1e-8)
    doubled = evaluation.Moments(a.mean, 4 * a.covariance)
    trace = np.trace(a.covariance)
    assert evaluation.frechet_between(a, doubled) == pytest.approx(trace, rel=1e-6)


def test_frechet_is_symmetric_and_invariant_to_rotation():
    x, y = gaussian(300, 0.0), gaussian(200, 1.0)
    rotation = linalg.qr(RNG.standard_normal((3, 3)))[0]
    a, b = evaluation.moments(x), evaluation.moments(y)
    turned = evaluation.moments(x @ rotation), evaluation.moments(y @ rotation)
    value = evaluation.frechet_between(a, b)
    assert evaluation.frechet_between(b, a) == pytest.approx(value)
    assert evaluation.frechet_between(*turned) == pytest.approx(value)


def test_bootstrap_error_is_that_of_repeated_experiments():
    values = [
        evaluation.frechet_between(
            evaluation.moments(gaussian(400, 0.0)),
            evaluation.moments(gaussian(400, 2.0)),
        )
        for _ in range(200)
    ]
    estimate = evaluation.frechet_distance(KEY, gaussian(400, 0.0), gaussian(400, 2.0))
    assert estimate.value == pytest.approx(12, abs=5 * float(np.std(values)))
    # 50 resamples know their deviation to 10 %, and 200 repetitions theirs to 5 %.
    assert estimate.standard_error == pytest.approx(np.std(values), rel=0.4)


def test_matched_shares_leave_the_distance_within_classes():
    """Fakes that are the real examples, those of one class three times."""
    one, other = gaussian(20, 0.0), gaussian(20, 5.0)
    real, fake = np.concatenate([one, other]), np.concatenate([one, one, one, other])
    of_real, of_fake = np.repeat([0, 1], 20), np.repeat([0, 1], [60, 20])
    found = evaluation.class_matched_frechet_distance(KEY, fake, real, of_fake, of_real)
    # Equal means, and covariances that differ by what n − 1 is in place of n.
    scales = (1 - 1 / (3 * 20)) ** -0.5 - (1 - 1 / (2 * 20)) ** -0.5
    trace = np.trace(np.cov(real.T, ddof=0))
    assert found.value == pytest.approx(trace * scales**2, rel=1e-4)
    assert evaluation.frechet_distance(KEY, fake, real).value > 100 * found.value


def test_shares_that_match_change_nothing():
    fake, real = gaussian(60, 0.0), gaussian(40, 1.0)
    classes = np.arange(60) % 4, np.arange(40) % 4
    matched = evaluation.class_matched_frechet_distance(KEY, fake, real, *classes)
    plain = evaluation.frechet_distance(KEY, fake, real)
    assert matched.value == pytest.approx(plain.value, rel=1e-9)
    single = evaluation.class_matched_frechet_distance(
        KEY, fake, real, 0 * classes[0], 0 * classes[1]
    )
    assert single == pytest.approx(plain, rel=1e-6)  # the same draws


def test_the_error_of_a_matched_distance_is_that_of_repeated_experiments():
    def draw(n, share, shift):
        classes = (RNG.random(n) < share).astype(int)
        return gaussian(n, shift + 4.0 * classes[:, None]), classes

    def estimate():
        (fake, some), (real, others) = draw(400, 0.7, 2.0), draw(400, 0.5, 0.0)
        return evaluation.class_matched_frechet_distance(KEY, fake, real, some, others)

    estimates = [estimate() for _ in range(40)]
    spread = np.std([each.value for each in estimates], ddof=1)
    # 40 repetitions know their deviation to 11 %.
    errors = np.mean([each.standard_error for each in estimates])
    assert errors == pytest.approx(spread, rel=0.4)


def test_shares_that_cannot_be_matched_are_nan(unchecked):
    fake, real = gaussian(8, 0.0), gaussian(8, 1.0)
    classes = np.array([0, 1, 1, 1, 1, 1, 1, 1]), np.zeros(8, int)
    found = evaluation.class_matched_frechet_distance(KEY, fake, real, *classes)
    assert np.isnan(found).all()
    without = evaluation.class_matched_moments(fake, classes[0], np.arange(8) % 3)
    assert np.isfinite(without.covariance).all()  # class 2 stays without
    with pytest.raises(ValueError, match="a class of each row, got 8 and 7 of 8 and 8"):
        evaluation.class_matched_frechet_distance(
            KEY, fake, real, classes[0], classes[1][:7]
        )
    with pytest.raises(ValueError, match="a class of each fake, got 7 of 8"):
        evaluation.class_matched_moments(fake, classes[0][:7], classes[1])


def brute_kernel_distance(x, y):
    def k(a, b):
        return (a @ b / len(a) + 1) ** 3

    n, m = len(x), len(y)
    xx = sum(k(x[i], x[j]) for i in range(n) for j in range(n) if i != j)
    yy = sum(k(y[i], y[j]) for i in range(m) for j in range(m) if i != j)
    xy = sum(k(a, b) for a in x for b in y)
    return xx / (n * (n - 1)) + yy / (m * (m - 1)) - 2 * xy / (n * m)


def test_kernel_distance_of_one_block_is_the_double_sum():
    x, y = gaussian(12, 0.0).astype(np.float64), gaussian(12, 1.0).astype(np.float64)
    estimate = evaluation.kernel_distance(KEY, x, y, num_blocks=1)
    assert estimate.value == pytest.approx(brute_kernel_distance(x, y))


def test_kernel_distance_is_unbiased():
    values = [
        evaluation.kernel_distance(k, gaussian(100, 0.0), gaussian(100, 0.0)).value
        for k in jax.random.split(KEY, 60)
    ]
    assert abs(np.mean(values)) < 4 * np.std(values) / np.sqrt(60)
    with pytest.raises(ValueError, match="at least 20 rows"):
        evaluation.kernel_distance(KEY, gaussian(19, 0.0), gaussian(50, 0.0))


def pairwise(x, y):
    return np.linalg.norm(x[:, None].astype(float) - y[None].astype(float), axis=2)


def test_coverage_agrees_with_brute_force():
    real, fake = gaussian(80, 0.0), gaussian(60, 0.7, 1.3)
    real_real = np.sort(pairwise(real, real), 1)  # column 0 is the point itself
    fake_fake = np.sort(pairwise(fake, fake), 1)
    between = pairwise(fake, real)
    inside_3 = between <= real_real[None, :, 3]
    inside_5 = between <= real_real[None, :, 5]
    result = evaluation.coverage(fake, real)
    assert result.precision.value == inside_3.any(1).mean()
    assert result.recall.value == (between.T <= fake_fake[None, :, 3]).any(1).mean()
    assert result.density.value == pytest.approx(inside_5.sum(1).mean() / 5)
    assert result.coverage.value == (between.min(0) <= real_real[:, 5]).mean()


def values(fake, real):
    return [each.value for each in evaluation.coverage(fake, real)]


def test_copies_are_in_one_anothers_neighbourhoods():
    rng = np.random.default_rng(0)
    copies = np.repeat(rng.normal(size=(50, 128)).astype("f4"), 8, 0)
    assert values(copies, copies) == [1, 1, pytest.approx(8 / 5), 1]
    assert values(copies, rng.permutation(copies)) == [1, 1, pytest.approx(8 / 5), 1]
    point, others = copies[:1] + 9, rng.normal(size=(200, 128)).astype("f4")
    real = np.concatenate([np.repeat(point, 6, 0), others])
    collapsed = values(np.repeat(point, 100, 0), real)
    assert collapsed == [1, pytest.approx(6 / 206), pytest.approx(1.2), 6 / 206]


def test_a_set_is_its_own_best_sample():
    points = gaussian(500, 0.0, d=8)
    assert values(points, points) == [1, 1, pytest.approx(6 / 5), 1]


@pytest.mark.parametrize("deviation", [1e-3, 1e-7])
def test_clusters_small_against_their_distance_are_as_large_ones(deviation):
    angles = np.pi / 4 * (np.arange(1600) % 8)
    centres = 2 * np.stack([np.cos(angles), np.sin(angles)], 1)
    fake, real = centres + deviation * RNG.standard_normal((2, 1600, 2))
    between = pairwise(fake, real)
    square_3, square_5 = np.sort(pairwise(real, real), 1)[:, [3, 5]].T
    fake_square = np.sort(pairwise(fake, fake), 1)[:, 3]
    found = evaluation.coverage(fake, real)
    assert found.precision.value == (between <= square_3).any(1).mean()
    assert found.recall.value == (between.T <= fake_square).any(1).mean()
    assert found.density.value == pytest.approx((between <= square_5).sum(1).mean() / 5)
    assert found.coverage.value == (between.min(0) <= square_5).mean()
    assert found.density.value == pytest.approx(1, abs=0.1)


def test_what_is_not_finite_or_too_little_is_named(unchecked):
    whole, broken = gaussian(30, 0.0), gaussian(30, 0.0)
    broken[17, 1] = np.nan
    broken[20, 0] = np.inf
    metrics = {
        "coverage": evaluation.coverage,
        "frechet": lambda fake, real: evaluation.frechet_distance(KEY, fake, real),
        "kernel": lambda fake, real: evaluation.kernel_distance(KEY, fake, real),
        "score": lambda fake, _: evaluation.classifier_score(KEY, fake),
        "nearest": evaluation.nearest_distance,
    }
    for name, metric in metrics.items():
        with pytest.raises(ValueError, match="row 17, and 1 others is not finite"):
            metric(broken, whole)
        with pytest.raises(ValueError, match="one example in each row, got float32"):
            metric(whole[0], whole)
        if name not in ("score",):
            with pytest.raises(ValueError, match="real|training"):
                metric(whole, broken)
            with pytest.raises(ValueError, match="of one length, got 3 and 2"):
                metric(whole, whole[:, :2])
        if name != "nearest":
            with pytest.raises(ValueError, match="at least (two|2|6|20) rows, got 1"):
                metric(whole[:1], whole)
    with pytest.raises(ValueError, match="at least 6 rows, got 5"):
        evaluation.coverage(whole[:5], whole)
    with pytest.raises(ValueError, match="at least 2 rows, got 1"):
        evaluation.moments(whole[:1])
    with pytest.raises(ValueError, match="num_blocks must be at least 1, got 0"):
        evaluation.kernel_distance(KEY, whole, whole, num_blocks=0)
    for classes in ([], [-1, 2], [1, 10], [0.5, 1.0]):
        with pytest.raises(ValueError, match="classes must be"):
            evaluation.class_shares(np.array(classes), 10)


def test_coverage_sees_dropped_modes_and_bad_samples():
    real = np.concatenate([gaussian(200, 0.0), gaussian(200, 50.0)])
    dropped = evaluation.coverage(gaussian(400, 0.0), real)
    assert dropped.precision.value > 0.9 and dropped.recall.value < 0.55
    assert dropped.coverage.value < 0.55
    noisy = evaluation.coverage(gaussian(400, 25.0, 40.0), real)
    assert noisy.precision.value < 0.1 and noisy.density.value < 0.1


def test_density_of_equal_distributions_is_one():
    value = evaluation.coverage(gaussian(2000, 0.0), gaussian(2000, 0.0)).density
    assert value.value == pytest.approx(1, abs=5 * value.standard_error)


def test_classifier_score_at_its_ends():
    sure = np.tile(100 * np.eye(10, dtype=np.float32), (5, 1))
    assert evaluation.classifier_score(KEY, sure).value == pytest.approx(10)
    assert evaluation.classifier_score(KEY, 0 * sure).value == pytest.approx(1)
    one = np.tile(np.array([[50.0, 0, 0]], np.float32), (20, 1))
    assert evaluation.classifier_score(KEY, one).value == pytest.approx(1)


def test_total_variation_counts_what_must_move():
    real = np.repeat(np.arange(10), 30)
    fake = np.where(real == 3, 4, real)
    estimate = evaluation.total_variation(KEY, fake, real, 10)
    assert estimate.value == pytest.approx(0.1)
    assert 0 < estimate.standard_error < 0.05
    assert evaluation.total_variation(KEY, real, real, 10).value == 0


def test_nearest_distance_finds_copies():
    training = gaussian(500, 0.0, d=20)
    assert evaluation.nearest_distance(training[:50], training) == (0, 0)
    alone = evaluation.nearest_distance(training[:1], training)
    assert alone.value == 0 and np.isnan(alone.standard_error)
    fresh = evaluation.nearest_distance(gaussian(50, 0.0, d=20), training)
    expected = pairwise(training[:50], training[50:]).min(1).mean()
    assert fresh.value == pytest.approx(expected, rel=0.1)
