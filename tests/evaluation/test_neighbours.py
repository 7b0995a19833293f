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
    radii = np.sort(pairwise(points, points), 1)[:, 4]
    for chunk in (1, 16, 33, 1024):
        distance, index = evaluation.nearest(queries, points, chunk=chunk)
        np.testing.assert_array_equal(index, exact.argmin(1))
        np.testing.assert_allclose(distance, exact.min(1), atol=1e-4)
        found = neighbours.kth_distance(points, 4, chunk=chunk)
        np.testing.assert_allclose(found, radii, atol=1e-4)
        counted = neighbours.balls_containing(
            queries, points, radii.astype(np.float32), chunk=chunk
        )
        np.testing.assert_array_equal(counted, (exact <= radii[None]).sum(1))


def test_duplicates_are_neighbours_at_distance_zero():
    points = np.repeat(gaussian(5, 0.0), 2, axis=0)
    np.testing.assert_array_equal(neighbours.kth_distance(points, 1), np.zeros(10))
    with pytest.raises(ValueError, match="from 1 to 9"):
        neighbours.kth_distance(points, 10)
