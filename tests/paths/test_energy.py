"""The energy of a path, and its gradient."""

from functools import partial

import chex
import jax
import numpy as np
import pytest
import wavy

from jaxgan import paths
from jaxgan.paths import curves, energy

pytestmark = pytest.mark.usefixtures("in_double")


def test_the_gradient_is_autodiffs_and_finite_differences():
    path = wavy.path()
    at = jax.jit(partial(energy.expand, wavy.metric))(path)

    @jax.jit
    def of_inner(inner):
        return paths.path_energy(wavy.metric, path.at[1:-1].set(inner))

    assert at.energy == of_inner(path[1:-1])
    np.testing.assert_allclose(
        at.gradient[1:-1], jax.grad(of_inner)(path[1:-1]), rtol=1e-12
    )
    assert (np.asarray(at.gradient)[[0, -1]] == 0).all()
    chex.assert_numerical_grads(of_inner, (path[1:-1],), order=1, modes=["rev"])


def test_simpson_gives_the_energy_of_the_polygon():
    path = wavy.path()
    energy = jax.jit(partial(paths.path_energy, wavy.metric), static_argnums=1)
    exact = energy(curves.subdivide(path, 512), "midpoint")
    simpson, midpoint = (energy(path, rule) for rule in ("simpson", "midpoint"))
    assert abs(simpson / exact - 1) < 0.2 * abs(midpoint / exact - 1)
