"""The factors of ρ, where they are known."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgan import paths


@pytest.fixture(autouse=True)
def in_double_precision():
    with jax.enable_x64(True):
        yield


def test_the_line_of_an_affine_generator_is_closed_form():
    """λ is ½D² (1 + s²) at s = 2t − 1, so the mean of √(λ/½D²) is (√2 + asinh 1)/2."""
    a, b = jnp.array([0.0, 1.0, 2.0]), jnp.array([2.0, -1.0, 0.5])
    metric = paths.image_metric(lambda z: 3.0 * z + 1.0, 3 * a + 1, 3 * b + 1)
    least = paths.least_value(3 * a + 1, 3 * b + 1)
    found = paths.factors(metric, paths.line(a, b, 2000), least)
    height = (np.sqrt(2) + np.arcsinh(1)) / 2
    assert float(found.height) == pytest.approx(height, rel=1e-6)
    assert float(found.detour) == pytest.approx(1, rel=1e-12)
    # ρ of the line at constant Euclidean speed is the mean of 1 + s².
    assert float(found.unevenness) == pytest.approx(4 / 3 / height**2, rel=1e-6)


def test_the_detour_of_half_a_circle_is_that_of_its_length():
    angles = jnp.linspace(0, jnp.pi, 2001)
    circle = jnp.stack([jnp.cos(angles), jnp.sin(angles)], 1)
    found = paths.factors(lambda z: jnp.full(len(z), 6.0), circle, jnp.asarray(1.5))
    np.testing.assert_allclose(found, (2, np.pi / 2, 1), rtol=1e-6)


@pytest.mark.parametrize("seed", range(3))
def test_the_factors_multiply_to_rho(seed):
    path = jax.random.normal(jax.random.key(seed), (9, 4), jnp.float64)
    found = paths.factors(lambda z: 1 + (z * z).sum(1), path, jnp.asarray(1.0))
    rho = paths.path_energy(lambda z: 1 + (z * z).sum(1), path)
    rho = rho / jnp.sum((path[-1] - path[0]) ** 2)
    product = found.height**2 * found.detour**2 * found.unevenness
    assert float(product) == pytest.approx(float(rho), rel=1e-12)
    assert min(map(float, found)) >= 1
