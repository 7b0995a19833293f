"""Derivatives of the error, exact and smoothed, against automatic differentiation."""

import jax
import jax.numpy as jnp
import landscapes
import numpy as np
import pytest

from jaxgan.minima import faces, newton


@pytest.mark.parametrize(
    "prior_weight", [pytest.param(0.0, marks=pytest.mark.slow), 0.1]
)
def test_gradient_hessian_and_their_smoothed_forms_are_autodiffs(prior_weight):
    _, generator, target = landscapes.toy(3, latent_dim=4)
    with jax.enable_x64(True):
        exact, x = generator.as_type(jnp.float64), jnp.asarray(target)
        z = jax.random.normal(jax.random.key(5), (4,), jnp.float64)

        def value(z):
            return faces.value(exact, z, x, prior_weight)

        def smooth(z, width):
            return newton.value(exact, z, x, width, prior_weight)

        @jax.jit
        def ours(z):
            at = faces.local(exact, faces.start(exact, z), x, prior_weight)
            return at.gradient, at.hessian

        @jax.jit
        def ours_smooth(z, width):
            return newton.expansion(exact, z, x, width, prior_weight)

        gradient, hessian = ours(z)
        wanted = jax.jit(jax.grad(value))(z), jax.jit(jax.hessian(value))(z)
        np.testing.assert_allclose(gradient, wanted[0], rtol=1e-9)
        np.testing.assert_allclose(hessian, wanted[1], rtol=1e-9, atol=1e-12)
        slope, bend = jax.jit(jax.grad(smooth)), jax.jit(jax.hessian(smooth))
        for width in map(jnp.asarray, (1.0, 0.1, 0.003)):
            gradient, hessian = ours_smooth(z, width)
            np.testing.assert_allclose(gradient, slope(z, width), rtol=1e-8)
            np.testing.assert_allclose(hessian, bend(z, width), rtol=1e-8, atol=1e-9)
        gap = jax.jit(smooth)(z, jnp.asarray(1e-9)) - jax.jit(value)(z)
        assert abs(float(gap)) < 1e-8
