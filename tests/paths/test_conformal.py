"""The metric between two images: its curvature, its units and its lower bound."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import wavy

from jaxgan import networks, paths
from jaxgan.paths import conformal

pytestmark = pytest.mark.usefixtures("in_double")

KEY = jax.random.key(0)


def test_the_curvature_is_that_of_gauss_and_newton():
    def logits(weights, latents, kink):
        return latents @ weights

    network = networks.FinishedNetwork(logits, 2, slope=None)
    weights = jnp.arange(6.0).reshape(2, 3)
    generate = partial(network.apply, weights)
    metrics = paths.between_images(networks.FinishedGenerator(network, weights))
    codes = jax.random.normal(KEY, (2, 2))
    images = generate(codes)
    middle = (images[0] + images[1]) / 2
    found = jax.jit(metrics.curvature)((images[0], images[1]), codes[:1])
    jacobian = np.asarray(jax.jit(jax.jacfwd(lambda z: generate(z[None])[0]))(codes[0]))
    np.testing.assert_allclose(found, 4 * jacobian.T @ jacobian, rtol=1e-12)
    metric = metrics.metric_of((images[0], images[1]))
    slope = jax.jit(partial(conformal.value_and_gradient, metric))(codes[:1])[1]
    residual = np.asarray(images[0] - middle)
    np.testing.assert_allclose(slope[0], 4 * jacobian.T @ residual, rtol=1e-12)
    with pytest.raises(ValueError, match="two images of one shape"):
        paths.image_metric(generate, images[0], images)


def hill(height, latents):
    return 1 + height * jnp.exp(-jnp.sum(latents * latents, 1))


def test_a_family_is_a_pytree_of_what_its_functions_depend_on():
    def metric(height):
        return jax.tree_util.Partial(hill, height)

    low, high = (paths.common(metric(jnp.asarray(h))) for h in (1.0, 3.0))
    assert jax.tree.leaves(low) == [1.0]
    assert jax.tree.structure(low) == jax.tree.structure(high)
    at = jnp.zeros((1, 2))
    slope = jax.grad(lambda family: family.metric_of(None)(at)[0])(low)
    assert jax.tree.leaves(slope) == [1.0]
    np.testing.assert_array_equal(low.curvature(None, at), jnp.zeros((2, 2)))
    single = high.as_type(jnp.float32)
    assert [leaf.dtype for leaf in jax.tree.leaves(single)] == [jnp.float32]
    plain = [jax.tree.structure(paths.common(wavy.metric)) for _ in range(2)]
    assert plain[0] == plain[1] and plain[0].num_leaves == 0


def test_energies_scale_as_they_must():
    basis = jax.random.normal(KEY, (2, 5))

    def generate(latents):
        return jnp.tanh(latents @ basis)

    codes = jnp.array([[1.0, 0.5], [-0.5, 2.0]])
    images = generate(codes)
    path = paths.line(codes[0], codes[1], 16)
    energy = jax.jit(paths.path_energy, static_argnums=0)
    plain = energy(paths.image_metric(generate, *images), path)
    wider = paths.image_metric(lambda z: generate(z / 3), *images)
    assert float(energy(wider, 3 * path) / plain) == pytest.approx(9)
    brighter = paths.image_metric(lambda z: 2 * generate(z) - 1, *(2 * images - 1))
    assert float(energy(brighter, path) / plain) == pytest.approx(4)


def test_no_straight_line_is_below_the_lower_bound():
    basis = jax.random.normal(KEY, (3, 5))

    def generate(latents):
        return jnp.tanh(latents @ basis)

    slope = np.sqrt(2) * np.linalg.norm(basis, 2)

    @jax.jit
    @jax.vmap
    def bounds_and_energy(codes):
        images = generate(codes)
        metric = paths.image_metric(generate, *images)
        ends = metric(codes)
        least = paths.least_value(*images)
        distance = jnp.linalg.norm(codes[0] - codes[1])
        weak, strong = (
            paths.energy_bound(ends[0], ends[1], least, distance, jnp.asarray(k))
            for k in (np.inf, slope)
        )
        length = paths.path_length(metric, paths.line(codes[0], codes[1], 500))
        return weak, strong, length**2, least * distance**2

    pairs = jax.random.normal(jax.random.key(1), (6, 2, 3))
    weak, strong, energies, known = map(np.asarray, bounds_and_energy(pairs))
    np.testing.assert_allclose(weak, known)
    assert (weak < strong).all() and (strong <= energies).all()
    flat = paths.energy_bound(*map(jnp.asarray, (4.0, 4.0, 1.0, 1.0, 1e-9)))
    assert float(flat) == pytest.approx(4.0)


def test_rho_of_an_isometry_is_the_known_constant():
    """Exact inversion, G(z) = cQz + b: the line, at ((√2 + asinh 1)/2)²."""
    basis, _ = np.linalg.qr(np.random.default_rng(0).normal(size=(6, 2)))

    def generate(latents):
        return 3.0 * latents @ jnp.asarray(basis).T + 1.0

    codes = jnp.array([[1.0, 0.5], [-0.5, 2.0]])
    images = generate(codes)
    metric = paths.image_metric(generate, images[0], images[1])
    path = paths.line(codes[0], codes[1], 2000)
    base = paths.least_value(*images) * jnp.sum((codes[0] - codes[1]) ** 2)
    squared = jax.jit(paths.path_length, static_argnums=0)(metric, path) ** 2
    known = ((np.sqrt(2) + np.arcsinh(1)) / 2) ** 2
    assert float(squared / base) == pytest.approx(known, rel=1e-6)
