import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgan import autoencoders
from jaxgan.autoencoders import Maps, contractions

KEY = jax.random.key(0)
TOLERANCE = 2.0**-23


@pytest.mark.parametrize(
    ("depth", "bound", "expected"),
    [(99, 1.0, 0.8359), (64, 1.0, 0.7622), (99, 10.0, 0.8175)],
)
def test_the_radius_solves_its_equation(depth, bound, expected):
    r = contractions.radius(depth, tolerance=TOLERANCE, bound=bound)
    assert r == pytest.approx(expected, abs=5e-5)
    assert bound * r**depth / (1 - r) == pytest.approx(TOLERANCE, rel=1e-9)


def test_a_deep_radius_needs_powers_that_underflow():
    r = contractions.radius(10**6, tolerance=1e-300, bound=1.0)
    assert 0.999 < r < 1 and np.isfinite(r)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (dict(depth=0, tolerance=1e-6, bound=1.0), "depth must be at least 1, got 0"),
        (dict(depth=5, tolerance=0.0, bound=1.0), "must be positive, got 0.0 and 1.0"),
        (dict(depth=5, tolerance=1.0, bound=-2.0), "must be positive, got 1.0 and -2"),
    ],
)
def test_a_radius_that_cannot_be_is_refused(options, message):
    with pytest.raises(ValueError, match=message):
        contractions.radius(**options)


def some_maps(full, count=6, dim=3):
    first, second = jax.random.split(KEY)
    shape = (count, dim, dim) if full else (count, dim)
    scales = jax.random.uniform(first, shape, minval=-0.3, maxval=0.3)
    return Maps(jax.random.normal(second, (count, dim)), scales)


@pytest.mark.parametrize("full", [False, True])
def test_composed_maps_are_maps_one_after_the_other(full):
    outer = some_maps(full)
    inner = contractions.take(outer, jnp.array([3, 1, 0, 5, 5, 2]))
    points = jax.random.normal(jax.random.key(1), (6, 3))
    np.testing.assert_allclose(
        contractions.apply(contractions.compose(outer, inner), points),
        contractions.apply(outer, contractions.apply(inner, points)),
        atol=1e-6,
    )


@pytest.mark.parametrize("full", [False, True])
def test_the_tail_bounds_what_is_cut_and_the_needed_depth_is_the_least(full):
    maps = some_maps(full)
    shrink = contractions.bounds(maps)
    tolerance = 1e-4
    depth = autoencoders.needed_depth(maps, tolerance=tolerance)
    assert contractions.tail(maps, shrink, depth) <= tolerance
    assert contractions.tail(maps, shrink, depth - 1) > tolerance
    # The worst that can happen: the least shrinking map over and over.
    for item in range(6):
        same = jnp.full(6, item)
        one = contractions.take(maps, same)
        points, seen = jnp.zeros((6, 3)), []
        for _ in range(200):
            points = contractions.apply(one, points)
            seen.append(points)
        missing = max(float(jnp.abs(seen[-1] - p).max()) for p in seen[depth:])
        assert missing <= tolerance


def test_a_depth_for_maps_that_do_not_shrink_is_refused():
    maps = Maps(jnp.ones((2, 1)), jnp.array([[0.5], [1.0]]))
    with pytest.raises(ValueError, match="must shrink, got one with operator norm 1.0"):
        autoencoders.needed_depth(maps, tolerance=1e-3)
    with pytest.raises(ValueError, match="tolerance must be positive, got 0.0"):
        autoencoders.needed_depth(maps, tolerance=0.0)
    # What does not move needs no depth, and 0.9^d · 9 ≤ 1e-6 is true from 152 on.
    dead = Maps(jnp.array([[1.0, 0.0]] * 2), jnp.array([[0.9, 1 - 2e-6], [0.5, 0.5]]))
    assert autoencoders.needed_depth(dead, tolerance=1e-6) == 152
    still = Maps(jnp.zeros((2, 1)), jnp.full((2, 1), 0.5))
    assert autoencoders.needed_depth(still, tolerance=1e-3) == 0


@pytest.mark.parametrize("size", [1e-3, 1.0, 30.0])
def test_every_matrix_becomes_a_contraction_with_known_volume(size):
    weights = size * jax.random.normal(KEY, (5, 4, 4))
    made, log_volumes = jax.jit(contractions.contraction_of)(weights)
    made, original = np.asarray(made, np.float64), np.asarray(weights, np.float64)
    values = np.linalg.svd(original, compute_uv=False)
    np.testing.assert_allclose(
        np.linalg.svd(made, compute_uv=False),
        values / np.sqrt(1 + values**2),
        rtol=2e-3,
    )
    expected = np.sum(np.log(values) - 0.5 * np.log1p(values**2), 1)
    np.testing.assert_allclose(log_volumes, expected, rtol=1e-4, atol=1e-3)
    # The inverse, so that no contraction is left out: LᵀL = (I − KKᵀ)⁻¹, A = LK.
    if size == 1.0:
        gram = np.linalg.inv(np.eye(4) - made @ made.swapaxes(1, 2))
        upper_first = np.linalg.cholesky(gram[:, ::-1, ::-1])
        factor = upper_first.swapaxes(1, 2)[:, ::-1, ::-1]
        np.testing.assert_allclose(factor @ made, original, rtol=2e-3, atol=2e-3)
