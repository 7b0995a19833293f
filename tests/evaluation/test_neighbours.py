"""Nearest neighbours and balls against all distances, one by one."""

import numpy as np
import pytest

from jaxgan import evaluation
from jaxgan.evaluation import neighbours

RNG = np.random.default_rng(0)


def gaussian(n, mean):
    return (mean + RNG.standard_normal((n, 3))).astype(np.float32)


def pairwise(x, y):
    return np.linalg.norm(x[:, None].astype(float) - y[None].astype(float), axis=2)


@pytest.mark.parametrize("offset", [0.0, 100.0])
def test_neighbours_agree_with_brute_force_for_every_chunk(offset):
    points, queries = gaussian(70, offset), gaussian(33, offset)
    exact = pairwise(queries, points)
    radii = np.sort(pairwise(points, points) ** 2, 1)[:, 4]
    for chunk in (1, 16, 33, 1024):
        distance, index = evaluation.nearest(queries, points, chunk=chunk)
        np.testing.assert_array_equal(index, exact.argmin(1))
        np.testing.assert_allclose(distance, exact.min(1), rtol=1e-14)
        found = neighbours.kth_square(points, 4, chunk=chunk)
        np.testing.assert_allclose(found, radii, rtol=1e-14)
        counted = neighbours.balls_containing(queries, points, radii, chunk=chunk)
        np.testing.assert_array_equal(counted, (exact**2 <= radii[None]).sum(1))


def test_duplicates_are_neighbours_at_distance_zero():
    points = np.repeat(gaussian(5, 0.0), 2, axis=0)
    np.testing.assert_array_equal(neighbours.kth_square(points, 1), np.zeros(10))
    with pytest.raises(ValueError, match="from 1 to 9"):
        neighbours.kth_square(points, 10)


def test_of_equal_distances_the_first_is_nearest():
    points = np.repeat(gaussian(5, 1e4), 3, axis=0)
    distance, index = evaluation.nearest(points, points)
    np.testing.assert_array_equal(distance, 0)
    np.testing.assert_array_equal(index, np.arange(15) // 3 * 3)
    corners = np.array([[0.0, 1.0], [1.0, 0.0], [0.0, -1.0]], np.float32)
    assert evaluation.nearest(np.zeros((1, 2), np.float32), corners)[1] == 0


@pytest.mark.parametrize("scale", [1e-30, 1e-3, 1e25])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_clusters_of_any_size_are_exact(scale, dtype):
    """Squares underflow, cancel and overflow in single precision."""
    centres = np.repeat(np.eye(4, 30) * (1 if scale < 1 else 0), 20, axis=0)
    points = (centres + scale * RNG.standard_normal((80, 30))).astype(dtype)
    exact = np.sort(pairwise(points, points), 1)
    np.testing.assert_allclose(neighbours.kth_square(points, 3), exact[:, 3] ** 2)
    square = neighbours.kth_square(points, 5)
    inside = neighbours.balls_containing(points, points, square)
    gaps = points[:, None].astype(float) - points[None].astype(float)
    squares = (gaps * gaps).sum(2)
    np.testing.assert_array_equal(inside, (squares <= square).sum(1))


def test_whole_numbers_are_points_too():
    points = RNG.integers(0, 256, (40, 9), np.uint8)
    gaps = points[:, None].astype(int) - points[None].astype(int)
    squares = np.sort((gaps * gaps).sum(2), 1)
    np.testing.assert_array_equal(neighbours.kth_square(points, 2), squares[:, 2])


def test_what_has_no_neighbours_is_refused(unchecked):
    points = gaussian(5, 0.0)
    for bad, message in (
        (points[:0], "at least 1 rows, got 0"),
        (points[0], "one example in each row, got float32 .3."),
        (points > 0, "must be numbers.*got bool .5, 3."),
        (points[:, :2], "rows of one length, got 3 and 2"),
        (np.where(points == points[3, 1], np.nan, points), "row 3 is not finite"),
    ):
        with pytest.raises(ValueError, match=message):
            evaluation.nearest(points, bad)
