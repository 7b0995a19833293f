"""Local minima on toy generators whose landscape is known by exhaustive search."""

import functools

import jax
import landscapes
import numpy as np
import pytest

from jaxgan import minima, networks
from jaxgan.minima import counting
from jaxgan.minima.settling import FIRST_WIDTH

STATUSES = minima.STATUSES


def settle(generator, target, starts, prior_weight=0.0):
    return minima.settle_many(
        generator,
        np.asarray(starts),
        target[None],
        np.zeros(len(starts), int),
        prior_weight=prior_weight,
    )


@functools.cache
def settled(seed, prior_weight=0.0):
    """Where 120 starts end on a toy generator."""
    _, generator, target = landscapes.toy(seed)
    starts = np.random.default_rng(seed).normal(size=(120, 2)) * 2.5
    return settle(generator, target, starts, prior_weight)


@pytest.mark.parametrize(
    ("seed", "prior_weight"), [*((seed, 0.0) for seed in range(6)), (0, 0.03), (4, 0.3)]
)
def test_settled_points_are_all_the_minima_and_nothing_else(seed, prior_weight):
    _, generator, target = landscapes.toy(seed)
    value = landscapes.objective(generator, target, prior_weight)
    # With a prior the minima are near the origin.
    half_width, size = (3.0, 2401) if prior_weight else (6.0, 601)
    truth = landscapes.grid_minima(value, half_width, size)
    end = settled(seed, prior_weight)
    status = end.certificates.status
    proved = (status == STATUSES.index("strict")) | (status == STATUSES.index("kink"))
    # No false proof: around each proved point the objective is larger, everywhere.
    rng = np.random.default_rng(1)
    for point in end.latents[proved]:
        for radius in (1e-6, 1e-4):
            around = point + radius * rng.normal(size=(200, 2))
            rounding = 8 * np.finfo(float).eps * value(point)
            assert (value(around) > value(point) - rounding).all()
    # Inside the grid the proved points are minima, one for one, and all of them that
    # there are on the network with rounded corners too, where the search begins.

    def inside(points):
        return points[np.abs(points).max(1) < half_width - 1]

    def distances(points, others):
        return np.linalg.norm(points[:, None] - others, axis=2)

    points = inside(end.latents[proved])
    rounded = landscapes.objective(generator, target, prior_weight, FIRST_WIDTH)
    followed = landscapes.have_minima_near(rounded, inside(truth))
    assert np.mean(followed) > 0.5
    assert distances(inside(truth)[followed], points).min(1).max() < 1e-3
    _, first = np.unique(counting.cluster(points, 1e-6), return_index=True)
    near = [landscapes.minima_near(value, p, 0.1, 41) for p in points[first]]
    found = np.concatenate(near)
    apart = distances(points[first], found)
    assert apart.min(1).max() < 1e-3
    closest = found[apart.argmin(1)]
    assert (distances(closest, closest) > 1e-4).sum() == len(first) * (len(first) - 1)


@pytest.mark.parametrize("width", [0.1, 0.5])
@pytest.mark.parametrize("seed", [0, 4])
def test_minima_with_rounded_corners_are_those_of_the_grid(seed, width):
    """They are smooth, and no facet is held."""
    _, generator, target = landscapes.toy(seed)
    starts = np.random.default_rng(seed).normal(size=(120, 2)) * 2.5
    end = settle(networks.round_corners(generator, width), target, starts, 0.03)
    proved = end.certificates.status == STATUSES.index("strict")
    assert proved.mean() > 0.9 and not end.held.any() and not end.steps[2].any()
    value = landscapes.objective(generator, target, 0.03, width)
    truth = landscapes.grid_minima(value, 3.0, 601)
    truth = truth[np.abs(truth).max(1) < 2]
    points = end.latents[proved]
    points = points[np.abs(points).max(1) < 2]
    _, first = np.unique(counting.cluster(points, 1e-6), return_index=True)
    apart = np.linalg.norm(truth[:, None] - points[first], axis=2)
    assert len(truth) == len(first) > 0 and apart.min(1).max() < 0.01


def test_kinks_and_smooth_minima_are_told_apart():
    seen = set()
    for seed in range(4):
        end = settled(seed)
        for status, held in zip(end.certificates.status, end.held.sum(1), strict=True):
            seen.add(STATUSES[int(status)])
            if STATUSES[int(status)] == "strict":
                assert held == 0
            if STATUSES[int(status)] == "kink":
                assert held > 0
    assert {"strict", "kink"} <= seen


@pytest.mark.parametrize("seed", [0, 1, 3])
def test_points_stay_finite_where_all_facets_meet(seed):
    """Without biases all of them go through the origin, whose image is the target."""
    network, generator, target = landscapes.toy(seed)
    params = jax.tree_util.tree_map_with_path(
        lambda path, p: (0.0 if "bias" in jax.tree_util.keystr(path) else 2.0) * p,
        generator.params,
    )
    generator = networks.FinishedGenerator(network.plain, params)
    target = np.zeros_like(target)
    starts = 0.01 * np.random.default_rng(0).normal(size=(120, 2)).astype(np.float32)
    found = settle(generator, target, starts, 0.01)
    assert np.isfinite(found.latents).all() and np.isfinite(found.errors).all()
    assert (np.abs(found.latents) < 1e-3).all()
    # How many facets are held here, at most two, differs between versions of JAX.
    assert (found.held.sum(1) <= 2).all()
    value = landscapes.objective(generator, target, 0.01)
    assert (value(found.latents) <= value(starts.astype(float)) + 1e-9).all()
