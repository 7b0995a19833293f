"""What a certificate of a minimum rests on."""

from functools import partial

import jax
import jax.numpy as jnp
import landscapes
import numpy as np

from jaxgan import minima, networks
from jaxgan.minima import certificates, faces


def test_the_hessian_changes_no_faster_than_its_bound():
    _, generator, target = landscapes.toy(1, latent_dim=3)
    with jax.enable_x64(True):
        exact, x = generator.as_type(jnp.float64), jnp.asarray(target)

        @jax.jit
        @jax.vmap
        def change_and_bound(latent, direction):
            state = faces.start(exact, latent)
            here = faces.local(exact, state, x)
            norms = jnp.linalg.norm(here.normals, axis=1)
            radius = jnp.min(jnp.abs(here.units) / norms)
            length = 0.9 * radius
            move = length * direction / jnp.linalg.norm(direction)
            there = faces.local(exact, faces.start(exact, latent + move), x)
            change = jnp.linalg.norm(there.hessian - here.hessian, 2)
            bound = certificates.hessian_lipschitz(exact, state, radius)
            return change, bound * length

        draws = np.random.default_rng(0).normal(size=(2, 20, 3))
        changes, bounds = map(np.asarray, change_and_bound(*jnp.asarray(draws)))
    assert (changes > 0).any() and (changes <= bounds * (1 + 1e-9)).all()


def test_what_is_no_minimum_is_not_called_one():
    _, generator, target = landscapes.toy(0)
    with jax.enable_x64(True):
        exact, x = generator.as_type(jnp.float64), jnp.asarray(target)

        @jax.jit
        @jax.vmap
        def status(latent):
            return minima.certify(exact, faces.start(exact, latent), x).status

        latents = np.random.default_rng(0).normal(size=(50, 2))
        found = np.asarray(status(jnp.asarray(latents)))
    assert (found == minima.STATUSES.index("not_stationary")).all()


def over_the_plane(image, slope=networks.SMOOTH):
    """The network of two pixels that are a formula in both coordinates."""

    def logits(params, latents, kink):
        first, second = latents[:, :1], latents[:, 1:]
        return jnp.concatenate(image(params, first, second, kink), 1)

    return networks.FinishedNetwork(logits, 2, networks.linear(-9.0, 9.0), slope)


@partial(jax.jit, static_argnames=("network", "held"))
@partial(jax.vmap, in_axes=(None, None, 0, None, None))
def certificates_of(network, params, point, target, held):
    exact = networks.FinishedGenerator(network, params)
    state = faces.start(exact, point)
    state = state._replace(held=jnp.full(state.held.shape, held))
    return minima.certify(exact, state, target)


def certified(network, params, points, target, *, held=False):
    """The names and the certificates of some points, all facets held or none."""
    with jax.enable_x64(True):
        doubles = (jnp.asarray(a, jnp.float64) for a in (params, points, target))
        found = certificates_of(network, *doubles, held)
    return [minima.STATUSES[status] for status in np.asarray(found.status)], found


def test_two_wells_and_the_saddle_between_them():
    """The objective is ½x² + ½(cy² − 1)², c = 1."""
    wells = over_the_plane(lambda c, x, y, kink: [x, c * y * y])
    points = [(0.0, 1.0), (0.0, -1.0), (0.0, 0.0), (1e-3, 1.0)]
    said, found = certified(wells, [[1.0]], points, (0.0, 1.0))
    assert said == ["strict", "strict", "saddle", "not_stationary"]
    np.testing.assert_allclose(found.eigenvalues[0], [1, 4], atol=1e-12)
    np.testing.assert_allclose(found.eigenvalues[2], [-2, 1], atol=1e-12)
    np.testing.assert_allclose(found.newton_length[3], 1e-3, atol=1e-12)


def test_the_origin_of_a_product_is_a_saddle_and_a_valley_is_flat():
    product = over_the_plane(lambda c, x, y, kink: [c * x * y, 0 * x])
    said, found = certified(product, [[1.0]], [(0.0, 0.0), (1.0, 1.0)], (1.0, 0.0))
    assert said == ["saddle", "degenerate"]
    np.testing.assert_allclose(found.eigenvalues[0], [-1, 1], atol=1e-12)
    assert found.nullity.tolist() == [0, 1]


def bent(weights, x, y, kink):
    height, change, slope = weights
    return [height + change * kink(x) + slope * x, y]


BENT = over_the_plane(bent, slope=0.0)


def at_the_kink(height, change, slope):
    """The status of the origin, whose facet is held; the first pixel is bent there."""
    weights = [[[height]], [[change]], [[slope]]]
    return certified(BENT, weights, [(0.0, 0.0)], (0.0, 0.0), held=True)[0][0]


def test_a_valley_at_a_kink_is_a_minimum_and_a_ridge_is_not():
    """The slope of ½(1 + 2 relu(x) − 1.5x)² is −1.5 on the left, 0.5 on the right."""
    assert at_the_kink(1, 2, -1.5) == "kink"
    assert at_the_kink(-1, 2, -1.5) == "not_stationary"


def test_a_slope_over_a_kink_is_no_minimum():
    assert at_the_kink(1, 2, 0.5) == "not_stationary"
    assert at_the_kink(1, -2, -0.5) == "not_stationary"
