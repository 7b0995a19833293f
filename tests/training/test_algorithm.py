"""Adam, and the moving average of weights."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from adversaries import KEY, adam

from jaxgan import training


@pytest.mark.parametrize("b1", [0.0, 0.5])
def test_adam_without_momentum_is_adam(b1):
    ours, theirs = adam(b1=b1), adam(b1=b1, inner=optax.adam)
    state, theirs_state = ours.init(jnp.ones(5)), theirs.init(jnp.ones(5))
    for key in jax.random.split(KEY, 20):
        gradient = jax.random.normal(key, (5,)) * jnp.logspace(-9, 3, 5)
        change, state = ours.update(gradient, state)
        expected, theirs_state = theirs.update(gradient, theirs_state)
        np.testing.assert_allclose(np.asarray(change), np.asarray(expected), rtol=1e-5)
    stored = sum(leaf.size for leaf in jax.tree.leaves(state))
    assert stored < 10 if b1 == 0 else stored >= 10


def test_negative_momentum_takes_back_a_part_of_the_step_before():
    """Algorithm 1 of Kingma & Ba, written out for two steps with b₁ < 0."""
    b1, b2, first, second = -0.5, 0.99, 1.0, 0.1
    optimizer = training.adam(1.0, b1, b2)
    state = optimizer.init(jnp.zeros(1))
    for gradient in (first, second):
        with jax.numpy_dtype_promotion("standard"):  # for optax's bias correction
            change, state = optimizer.update(jnp.array([gradient]), state)
    mean = (b1 * (1 - b1) * first + (1 - b1) * second) / (1 - b1**2)
    square = (b2 * (1 - b2) * first**2 + (1 - b2) * second**2) / (1 - b2**2)
    assert mean < 0
    expected = [-mean / np.sqrt(square)]
    np.testing.assert_allclose(np.asarray(change), expected, rtol=1e-5)


def test_the_learning_rate_falls_as_one_over_the_step():
    """Steps of a gradient of 1 are the learning rate itself."""
    optimizer = adam(training.robbins_monro(0.5, 4))
    state, changes = optimizer.init(jnp.zeros(1)), []
    for _ in range(17):
        change, state = optimizer.update(jnp.ones(1), state)
        changes.append(-np.asarray(change)[0])
    expected = [0.5] * 5 + [0.5 * 4 / n for n in range(5, 17)]
    np.testing.assert_allclose(changes, expected, rtol=1e-6)
    for rate, after in ((0.0, 4), (-1.0, 4), (float("nan"), 4), (0.5, 0)):
        with pytest.raises(ValueError, match="a learning rate above 0 and at least 1"):
            training.robbins_monro(rate, after)


@pytest.mark.parametrize("b1", [0.0, 0.5])
def test_steps_of_adam_have_derivatives_where_gradients_are_zero(b1):
    """The step is rate · g / (√(g²) + ε) in closed form, at first."""
    optimizer = adam(1.0, b1=b1)

    def first(gradient):
        state = optimizer.init(jnp.zeros(3))
        return optimizer.update(gradient, state)[0]

    slopes = jnp.diagonal(jax.jacrev(first)(jnp.array([0.0, 1.0, -2.0])))
    np.testing.assert_allclose(slopes, [-1e8, 0, 0], rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("b1", [0.0, 0.5])
def test_what_makes_derivatives_finite_changes_no_bit_of_a_step(b1):
    def without(rate, b1, b2):
        if b1:
            return optax.adam(rate, b1, b2)
        return optax.rmsprop(rate, b2, 1e-8, eps_in_sqrt=False, bias_correction=True)

    ours, theirs = adam(b1=b1), adam(b1=b1, inner=without)
    sizes = jnp.concatenate([jnp.zeros(1), jnp.logspace(-20, 10, 200)])
    state, theirs_state = ours.init(sizes), theirs.init(sizes)
    for key in jax.random.split(KEY, 5):
        gradient = sizes * jax.random.normal(key, sizes.shape)
        change, state = ours.update(gradient, state)
        expected, theirs_state = theirs.update(gradient, theirs_state)
        np.testing.assert_array_equal(change, expected)
        leaves, theirs_leaves = map(jax.tree.leaves, (state, theirs_state))
        for leaf, other in zip(leaves, theirs_leaves, strict=True):
            np.testing.assert_array_equal(leaf, other)
