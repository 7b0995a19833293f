"""Local minima on toy generators whose landscape is known by exhaustive search."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from closed_forms import grid_minima

from jaxgan import data, minima, networks
from jaxgan.minima import certificates, counting, facets, newton
from jaxgan.networks import piecewise

STATUSES = minima.STATUSES


def toy(seed, latent_dim=2, widths=(6, 8), pixels=5):
    """A network, a small generator with random biases, and a target."""
    network = networks.mlp_generator(
        latent_dim, widths, shape=(pixels,), batch_norm=False
    )
    params = network.init(jax.random.key(seed))
    keys = iter(jax.random.split(jax.random.key(seed + 1000), 100))
    params = jax.tree.map(
        lambda p: p + 0.5 * jax.random.normal(next(keys), p.shape), params
    )
    target = 0.8 * jnp.tanh(jax.random.normal(next(keys), (pixels,)))
    generator = networks.FinishedGenerator(network.plain, params)
    return network, generator, np.asarray(target, np.float64)


def objective(generator, target, prior_weight):
    """½‖G(z) − x‖² + ½κ‖z‖² in NumPy, written again."""
    affine = networks.layers_of(generator.params)
    layers = [np.asarray(w, np.float64) for w in affine.kernels]
    biases = [np.asarray(b, np.float64) for b in affine.biases]

    def value(points):
        points = np.atleast_2d(points)
        h = points
        for kernel, bias in zip(layers[:-1], biases[:-1], strict=True):
            h = h @ kernel + bias
            h = np.maximum(h, networks.NEGATIVE_SLOPE * h)
        h = np.tanh(h @ layers[-1] + biases[-1])
        prior = prior_weight * np.sum(points**2, 1)
        return 0.5 * (np.sum((h - target) ** 2, 1) + prior)

    return value


def settle(generator, target, starts, prior_weight=0.0):
    return minima.settle(
        generator,
        np.asarray(starts),
        target[None],
        np.zeros(len(starts), int),
        prior_weight=prior_weight,
    )


@pytest.mark.parametrize(
    ("seed", "prior_weight"), [*((seed, 0.0) for seed in range(6)), (0, 0.03), (4, 0.3)]
)
def test_settled_points_are_all_the_minima_and_nothing_else(seed, prior_weight):
    _, generator, target = toy(seed)
    value = objective(generator, target, prior_weight)
    # With a prior the minima are near the origin.
    half_width = 3.0 if prior_weight else 6.0
    truth = grid_minima(value, half_width, 2401)
    wide = truth if prior_weight else grid_minima(value, half_width, 601)
    starts = np.random.default_rng(seed).normal(size=(120, 2)) * 2.5
    end = settle(generator, target, starts, prior_weight)
    status = end.certificates.status
    proved = (status == STATUSES.index("strict")) | (status == STATUSES.index("kink"))
    # No false proof: around each proved point the objective is larger, everywhere.
    rng = np.random.default_rng(1)
    for point in end.latents[proved]:
        for radius in (1e-6, 1e-4):
            around = point + radius * rng.normal(size=(200, 2))
            rounding = 8 * np.finfo(float).eps * value(point)
            assert (value(around) > value(point) - rounding).all()
    # Inside the grid the proved points are minima, one for one, and all of them but
    # those with a basin of 0.01 or so, from which smoothing leads away.

    def inside(points):
        return points[np.abs(points).max(1) < half_width - 1]

    def distances(points, others):
        return np.linalg.norm(points[:, None] - others, axis=2)

    points = inside(end.latents[proved])
    apart = distances(points, truth)
    assert apart.min(1).max() < 1e-3
    assert counting.cluster(points, 1e-6).max() + 1 == len(set(apart.argmin(1)))
    assert distances(inside(wide), points).min(1).max() < 1e-3


def test_kinks_and_smooth_minima_are_told_apart():
    seen = set()
    for seed in range(4):
        _, generator, target = toy(seed)
        starts = np.random.default_rng(seed).normal(size=(40, 2)) * 2
        end = settle(generator, target, starts)
        for status, held in zip(end.certificates.status, end.held.sum(1), strict=True):
            seen.add(STATUSES[int(status)])
            if STATUSES[int(status)] == "strict":
                assert held == 0
            if STATUSES[int(status)] == "kink":
                assert held > 0
    assert {"strict", "kink"} <= seen


def test_the_network_from_inside_is_the_network():
    network, generator, _ = toy(0, latent_dim=3)
    z = jax.random.normal(jax.random.key(2), (3,))
    units = piecewise.units_at(generator, z)
    here = piecewise.region(generator, z, units > 0)
    np.testing.assert_allclose(here.units, units, rtol=1e-5, atol=1e-6)
    image = network.apply(generator.params, z[None])[0]
    np.testing.assert_allclose(jnp.tanh(here.logits), image, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(
        here.normals, jax.jacfwd(lambda z: piecewise.units_at(generator, z))(z),
        rtol=1e-4, atol=1e-5,
    )  # fmt: skip
    np.testing.assert_allclose(
        here.jacobian, jax.jacfwd(lambda z: piecewise.logits_at(generator, z))(z),
        rtol=1e-4, atol=1e-5,
    )  # fmt: skip


@pytest.mark.parametrize(
    "prior_weight", [pytest.param(0.0, marks=pytest.mark.slow), 0.1]
)
def test_gradient_hessian_and_their_smoothed_forms_are_autodiffs(prior_weight):
    _, generator, target = toy(3, latent_dim=4)
    with jax.enable_x64(True):
        exact, x = generator.as_type(jnp.float64), jnp.asarray(target)
        z = jax.random.normal(jax.random.key(5), (4,), jnp.float64)
        at = facets.local(exact, facets.start(exact, z), x, prior_weight)

        def value(z):
            return facets.value(exact, z, x, prior_weight)

        np.testing.assert_allclose(at.gradient, jax.grad(value)(z), rtol=1e-9)
        np.testing.assert_allclose(
            at.hessian, jax.hessian(value)(z), rtol=1e-9, atol=1e-12
        )
        for width in (1.0, 0.1, 0.003):

            def smooth(z, width=width):
                return newton.value(exact, z, x, jnp.asarray(width), prior_weight)

            gradient, hessian = newton.expansion(
                exact, z, x, jnp.asarray(width), prior_weight
            )
            np.testing.assert_allclose(gradient, jax.grad(smooth)(z), rtol=1e-8)
            np.testing.assert_allclose(
                hessian, jax.hessian(smooth)(z), rtol=1e-8, atol=1e-9
            )
        gap = newton.value(exact, z, x, jnp.asarray(1e-9), prior_weight)
        gap = gap - value(z)
        assert abs(float(gap)) < 1e-8


def test_the_hessian_changes_no_faster_than_its_bound():
    _, generator, target = toy(1, latent_dim=3)
    with jax.enable_x64(True):
        exact, x = generator.as_type(jnp.float64), jnp.asarray(target)
        rng = np.random.default_rng(0)
        for _ in range(20):
            state = facets.start(exact, jnp.asarray(rng.normal(size=3)))
            here = facets.local(exact, state, x)
            norms = np.linalg.norm(here.normals, axis=1)
            radius = float(np.min(np.abs(here.units) / norms))
            bound = float(
                certificates.hessian_lipschitz(exact, state, jnp.asarray(radius))
            )
            direction = rng.normal(size=3)
            move = 0.9 * radius * direction / np.linalg.norm(direction)
            there = facets.local(exact, facets.start(exact, state.latent + move), x)
            change = np.linalg.norm(there.hessian - here.hessian, 2)
            assert change <= bound * np.linalg.norm(move) * (1 + 1e-9)


def test_points_stay_finite_where_all_facets_meet():
    """Without biases all of them go through the origin, and so does the descent."""
    network = networks.mlp_generator(2, (8, 16), batch_norm=False)
    params = jax.tree.map(lambda p: 2.0 * p, network.init(jax.random.key(3)))
    generator = networks.FinishedGenerator(network.plain, params)
    target = data.load("sample", "test").images[2].reshape(-1) / 127.5 - 1
    starts = 0.01 * np.random.default_rng(0).normal(size=(10, 2)).astype(np.float32)
    found = settle(generator, target, starts, 0.01)
    assert np.isfinite(found.latents).all() and np.isfinite(found.errors).all()
    value = objective(generator, target, 0.01)
    assert (value(found.latents) <= value(starts.astype(float)) + 1e-9).all()


def test_what_is_no_minimum_is_not_called_one():
    _, generator, target = toy(0)
    with jax.enable_x64(True):
        exact, x = generator.as_type(jnp.float64), jnp.asarray(target)
        rng = np.random.default_rng(0)
        for _ in range(50):
            state = facets.start(exact, jnp.asarray(rng.normal(size=2)))
            found = minima.certify(exact, state, x)
            assert STATUSES[int(found.status)] == "not_stationary"


def test_other_networks_are_refused():
    for params in ({"something": jnp.zeros(3)}, [jnp.zeros(3)], jnp.zeros(3), 3):
        with pytest.raises(ValueError, match="folded fully connected generator"):
            networks.layers_of(params)
    network = networks.conv_generator(2, width=4, channels=(2, 2), batch_norm=False)
    with pytest.raises(ValueError, match="convolutions"):
        networks.layers_of(network.init(jax.random.key(0)))
