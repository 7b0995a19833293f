"""BFGS steps on functions whose minimum and second derivatives are known."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgan.inversion import quasi_newton
from jaxgan.inversion.quasi_newton import Point

DIM = 6


def quadratic(seed):
    """Return a convex function with value and gradient, its Hessian and minimum."""
    rng = np.random.default_rng(seed)
    matrix = rng.normal(size=(DIM, DIM))
    hessian = jnp.asarray(matrix @ matrix.T + np.eye(DIM))
    lowest = jnp.asarray(rng.normal(size=DIM))

    def at(latent):
        gradient = hessian @ (latent - lowest)
        return 0.5 * (latent - lowest) @ gradient, gradient

    return at, hessian, lowest


def begun(at, latent):
    return Point(latent, *at(latent))


def rosenbrock(latent):
    """Return a curved valley's value and gradient; it is lowest at (1, 1)."""

    def value(z):
        return (1 - z[0]) ** 2 + 100 * (z[1] - z[0] ** 2) ** 2

    return jax.value_and_grad(value)(latent)


@pytest.mark.usefixtures("in_double")
def test_the_matrix_maps_the_change_of_the_gradient_to_the_step():
    at, hessian, lowest = quadratic(0)
    rng = np.random.default_rng(1)
    inverse = jnp.eye(DIM)
    for _ in range(3):
        step = jnp.asarray(rng.normal(size=DIM))
        inverse = quasi_newton.corrected(inverse, step, hessian @ step)
        np.testing.assert_allclose(inverse @ (hessian @ step), step, rtol=1e-9)
        np.testing.assert_allclose(inverse, inverse.T, atol=1e-12)
        assert jnp.linalg.eigvalsh(inverse)[0] > 0
    exact, step = jnp.linalg.inv(hessian), jnp.ones(DIM)
    np.testing.assert_allclose(
        quasi_newton.corrected(exact, step, hessian @ step), exact, atol=1e-12
    )


@pytest.mark.usefixtures("in_double")
@pytest.mark.parametrize("change", [-1.0, 0.0, np.nan])
def test_a_step_along_which_nothing_curves_up_changes_nothing(change):
    step = jnp.arange(1.0, DIM + 1)
    inverse = quasi_newton.corrected(jnp.eye(DIM), step, change * step)
    np.testing.assert_array_equal(inverse, jnp.eye(DIM))


@pytest.mark.usefixtures("in_double")
def test_one_step_with_the_exact_matrix_ends_at_the_minimum():
    at, hessian, lowest = quadratic(2)
    start = begun(at, jnp.zeros(DIM))
    found = quasi_newton.steps(at, jnp.linalg.inv(hessian), start, 1)
    np.testing.assert_allclose(found.latent, lowest, rtol=1e-9)


@pytest.mark.usefixtures("in_double")
def test_a_curved_valley_is_followed_to_its_end():
    start = begun(rosenbrock, jnp.array([-1.2, 1.0]))
    found = quasi_newton.steps(rosenbrock, 0.01 * jnp.eye(2), start, 100)
    np.testing.assert_allclose(found.latent, 1.0, atol=1e-8)


@pytest.mark.usefixtures("in_double")
def test_no_step_raises_the_value_and_value_and_gradient_are_those_of_the_point():
    start = begun(rosenbrock, jnp.array([-1.2, 1.0]))
    before = start
    for count in range(1, 12):
        after = quasi_newton.steps(rosenbrock, jnp.eye(2), start, count)
        assert after.value <= before.value
        value, gradient = rosenbrock(after.latent)
        np.testing.assert_allclose(after.value, value, rtol=1e-12)
        np.testing.assert_allclose(after.gradient, gradient, rtol=1e-9, atol=1e-12)
        before = after


@pytest.mark.usefixtures("in_double")
def test_no_step_is_longer_than_the_longest():
    at, _, lowest = quadratic(3)
    start = begun(at, lowest + 100.0)
    for count in (1, 5):
        found = quasi_newton.steps(at, jnp.eye(DIM), start, count, 0.1)
        gone = float(jnp.linalg.norm(found.latent - start.latent))
        assert 0 < gone <= count * 0.1 + 1e-12


@pytest.mark.usefixtures("in_double")
def test_the_steps_can_be_differentiated():
    """Also those that are refused, and those that stay where they are."""

    def value(move):
        def at(latent):
            there, gradient = rosenbrock(latent - move)
            return there, gradient

        start = Point(jnp.array([0.5, 0.3]), *at(jnp.array([0.5, 0.3])))
        return quasi_newton.steps(at, jnp.eye(2), start, 6).value

    gradient = jax.grad(value)(jnp.array([0.1, -0.2]))
    for number, step in enumerate(1e-6 * np.eye(2)):
        there = np.array([0.1, -0.2])
        slope = (value(there + step) - value(there - step)) / 2e-6
        assert gradient[number] == pytest.approx(float(slope), rel=1e-5)
    still = jax.grad(
        lambda x: (
            quasi_newton.steps(
                lambda z: (0.5 * z @ z + x, z),
                jnp.eye(2),
                Point(jnp.zeros(2), x, jnp.zeros(2)),
                3,
            ).value
        )
    )(jnp.array(2.0))
    assert still == 1.0
