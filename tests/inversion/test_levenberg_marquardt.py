"""Steps towards the code of one image, and their derivatives."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgan import networks
from jaxgan.inversion import levenberg_marquardt as lm

KEY = jax.random.key(0)
DIM = 3
NETWORK = networks.mlp_generator(DIM, (8, 16), shape=(6, 6, 1), batch_norm=False)
PARAMS = jax.tree.map(lambda p: 1.5 * p, NETWORK.init(jax.random.key(1)))
GENERATOR = networks.FinishedGenerator(NETWORK.plain, PARAMS)


def test_one_step_solves_a_linear_problem():
    matrix = jax.random.normal(KEY, (DIM, 7))
    target = jax.random.normal(jax.random.key(4), (7,))

    def linear(latents):
        return latents @ matrix

    state = lm.evaluate(linear, lm.begin(jnp.zeros(DIM)), target, 0.5)
    state = state._replace(damping=jnp.asarray(1e-12))
    after = lm.step(linear, state, target, 0.5)
    normal = matrix @ matrix.T + 0.5 * jnp.eye(DIM)
    expected = jnp.linalg.solve(normal, matrix @ target)
    np.testing.assert_allclose(after.latent, expected, rtol=1e-4)
    gap = expected @ matrix - target
    least = 0.5 * (gap @ gap + 0.5 * expected @ expected)
    np.testing.assert_allclose(after.value, least, rtol=1e-4)


def test_the_value_is_the_error_and_the_weighted_square_of_the_code():
    code, weight = jnp.array([1.0, -2.0, 0.5]), 0.3
    target = jnp.zeros((6, 6, 1))
    value = lm.evaluate(GENERATOR.generate, lm.begin(code), target, weight).value
    image = np.asarray(GENERATOR.generate(code[None]), np.float64)
    expected = 0.5 * np.sum(image**2) + 0.5 * weight * (1 + 4 + 0.25)
    assert float(value) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("corrections", [0, lm.CORRECTIONS])
def test_steps_never_raise_the_value(corrections, monkeypatch):
    """Nor does the first of a step alone, for which the corrections could make up."""
    monkeypatch.setattr(lm, "CORRECTIONS", corrections)
    code = jax.random.normal(jax.random.key(2), (DIM,))
    generate = GENERATOR.generate
    target = jnp.clip(generate(code[None])[0] + 0.5, -1, 1)
    state = lm.evaluate(generate, lm.begin(3 * code), target, 0.0)
    step = jax.jit(lambda state: lm.step(generate, state, target, 0.0))
    for _ in range(30):
        after = step(state)
        assert float(after.value) <= float(state.value)
        state = after


def test_a_step_that_overshoots_is_refused_and_damped(monkeypatch):
    """From 2, Newton's step for arctan z = 0 leads to −3.5, where it is larger."""
    monkeypatch.setattr(lm, "CORRECTIONS", 0)
    step = jax.jit(lambda state: lm.step(jnp.arctan, state, jnp.zeros(1), 0.0))
    begun = lm.begin(jnp.array([2.0]))._replace(damping=jnp.float32(1e-6))
    begun = lm.evaluate(jnp.arctan, begun, jnp.zeros(1), 0.0)
    after = step(begun)
    assert after.latent == begun.latent and after.value == begun.value
    assert after.damping == 2 * begun.damping and after.growth == 2 * begun.growth
    for _ in range(40):
        after = step(after)
    assert abs(after.latent[0]) < 1e-6


def smooth(latents):
    """A generator without kinks, of five pixels, over the plane."""
    key_in, key_out = jax.random.split(jax.random.key(3))
    first = jax.random.normal(key_in, (2, 6)).astype(latents.dtype)
    last = jax.random.normal(key_out, (6, 5)).astype(latents.dtype)
    return jnp.tanh(latents @ first) @ last


def searched(target, steps, prior_weight=0.1):
    """Return the state after so many steps."""

    def body(state, _):
        return lm.step(smooth, state, target, prior_weight), None

    begun = lm.begin(jnp.full((2,), 0.5, target.dtype))
    begun = lm.evaluate(smooth, begun, target, prior_weight)
    return jax.lax.scan(body, begun, length=steps)[0]


TARGET = np.array([0.5, -1.0, 0.3, 0.8, -0.2])


def slow(*steps):
    return [pytest.param(number, marks=pytest.mark.slow) for number in steps]


@pytest.mark.parametrize("steps", [*slow(1, 12), 30, *slow(80)])
def test_reverse_mode_goes_through_the_steps(steps, in_double):
    """Also through those at the end, which lower nothing and are all refused."""

    @jax.jit
    def value(target):
        return searched(target, steps).value

    target = jnp.asarray(TARGET)
    gradient = jax.jit(jax.grad(value))(target)
    size = 1e-6
    for number, move in enumerate(size * np.eye(5)):
        slope = (value(target + move) - value(target - move)) / (2 * size)
        assert gradient[number] == pytest.approx(float(slope), rel=1e-6, abs=1e-8)


@pytest.mark.parametrize("steps", [*slow(12), 30])
def test_at_a_minimum_the_derivative_is_that_of_the_objective(steps):
    """In single precision too: by the envelope theorem it is x − G(z)."""
    target = jnp.asarray(TARGET, jnp.float32)
    found = searched(target, steps)
    gradient = jax.jit(jax.grad(lambda x: searched(x, steps).value))(target)
    expected = target - smooth(found.latent[None])[0]
    np.testing.assert_allclose(gradient, expected, atol=1e-3)


def test_codes_that_are_found_exactly_have_derivatives():
    """Some steps lower the value to rounding, the next ones by nothing."""
    keys = jax.random.split(jax.random.key(5))
    starts, codes = (jax.random.normal(key, (16, DIM)) for key in keys)

    def value(target, start):
        def body(state, _):
            return lm.step(GENERATOR.generate, state, target, 0.0), None

        state = lm.evaluate(GENERATOR.generate, lm.begin(start), target, 0.0)
        state = jax.lax.scan(body, state, length=12)[0]
        return state.value, state.value

    targets = GENERATOR.generate(codes)
    gradient, values = jax.jit(jax.vmap(jax.grad(value, has_aux=True)))(targets, starts)
    assert jnp.isfinite(gradient).all() and (values < 1e-10).mean() > 0.5
    np.testing.assert_allclose(gradient[values < 1e-10], 0, atol=1e-4)


def test_the_code_has_a_derivative_where_a_matrix_is_singular():
    """With three pixels alike and no prior, JᵀJ has no Cholesky factor."""

    def flat(latents):
        return jnp.tanh(latents[:, :1]) * jnp.ones((1, 3), latents.dtype)

    def code(target, damping):
        state = lm.evaluate(flat, lm.begin(jnp.array([0.5, 0.5])), target, 0.0)
        state = state._replace(damping=jnp.asarray(damping))
        for _ in range(3):
            state = lm.step(flat, state, target, 0.0)
        return state.latent[0]

    gradient = jax.jit(jax.vmap(jax.grad(code), (None, 0)))
    dampings = jnp.array([0.0, 1e-12, 1e-2])
    assert jnp.isfinite(gradient(jnp.array([0.1, 0.2, 0.3]), dampings)).all()


def test_the_damping_stays_finite():
    state = searched(jnp.asarray(TARGET, jnp.float32), 300)
    assert state.damping <= lm.MOST_DAMPING and state.growth <= lm.MOST_DAMPING
