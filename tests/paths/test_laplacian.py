"""The preconditioner against dense matrices."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import wavy

from jaxgan.paths import curves, energy, laplacian

pytestmark = pytest.mark.usefixtures("in_double")


def test_the_laplacian_and_its_inverse_are_those_of_dense_matrices():
    path = wavy.path()
    at = jax.jit(partial(energy.expand, wavy.metric))(path)
    change = at.gradient
    forward = jax.jit(laplacian.apply_laplacian)(at.weights, change)
    back = jax.jit(laplacian.solve_laplacian)(at.weights, forward)
    np.testing.assert_allclose(back, change, rtol=1e-10, atol=1e-10)

    def model(inner, curvature):
        """The quadratic whose Hessian is inverted."""
        moved = jnp.pad(inner, ((1, 1), (0, 0)))
        flows, middles = energy.squared_lengths(moved), curves.midpoints(moved)
        bends = jnp.sum((middles @ curvature) * middles, 1)
        squares = energy.squared_lengths(path)
        return len(squares) * jnp.sum(at.weights * flows + squares * bends / 2)

    @jax.jit
    def solve(curvature):
        decomposed = laplacian.decompose(curvature)
        return laplacian.solve_screened(decomposed, at.weights, path, change)

    inner, hessian = path[1:-1], jax.jit(jax.hessian(model))
    root = np.random.default_rng(0).normal(size=(3, 3))
    for curvature in (jnp.zeros((3, 3)), jnp.asarray(root @ root.T)):
        dense = np.reshape(hessian(inner, curvature), (inner.size, inner.size))
        wanted = np.linalg.solve(dense, np.reshape(change[1:-1], -1))
        found = np.reshape(solve(curvature)[1:-1], -1)
        np.testing.assert_allclose(found, wanted, rtol=1e-9, atol=1e-12)
