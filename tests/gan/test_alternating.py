"""The step that trains two networks against each other."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from adversaries import (
    ADAM,
    CRITIC,
    DATA,
    GENERATOR,
    KEY,
    VARIANTS,
    build,
    noise_keys,
    run,
    words,
)

from jaxgan import training
from jaxgan.gan import losses
from jaxgan.networks import mlp_critic, mlp_generator


@pytest.mark.parametrize("name", VARIANTS)
def test_every_algorithm_keeps_the_protocol(name):
    algorithm = VARIANTS[name]()
    state = algorithm.init(KEY)
    batches = DATA[: algorithm.batches_per_step * 8].reshape(-1, 8, 2)
    after, metrics = algorithm.step(state, batches)
    described = [(leaf.shape, leaf.dtype) for leaf in jax.tree.leaves(state)]
    assert jax.tree.structure(after) == jax.tree.structure(state)
    assert [(x.shape, x.dtype) for x in jax.tree.leaves(after)] == described
    assert after.step == 1
    for value in jax.tree.leaves(metrics):
        assert value.shape == () and jnp.isfinite(value)


def test_a_state_that_went_to_the_host_and_back_goes_on_with_the_same_bits():
    algorithm = build()
    state = run(algorithm, [7])
    host = jax.tree.map(np.asarray, state._replace(key=jax.random.key_data(state.key)))
    back = jax.tree.map(jnp.asarray, host)
    back = back._replace(key=jax.random.wrap_key_data(back.key))
    back, _ = training.chunk(algorithm, back, DATA, 5, batch_size=8)
    assert words(back) == words(run(algorithm, [12]))


def reference_step(algorithm_kind, state, batches, noise, penalty_weight=10.0):
    """The papers' algorithm with nothing shared and nothing stacked."""
    critic, moments, z = state.critic, state.critic_optimizer, jnp.zeros((8, 3))
    for real, (latent_key, epsilon_key) in zip(batches, noise, strict=True):
        z = jax.random.normal(latent_key, (len(real), GENERATOR.latent_dim))
        fake = GENERATOR.apply(state.generator, z)

        def critic_loss(params, real=real, fake=fake, key=epsilon_key):
            scores = [CRITIC.apply(params, x) for x in (real, fake)]
            if algorithm_kind == "gan":
                return losses.discriminator_loss(*scores)
            epsilon = jax.random.uniform(key, (len(real), 1))
            between = epsilon * real + (1 - epsilon) * fake
            gradient = jnp.stack(
                [
                    jax.grad(lambda x: CRITIC.apply(params, x[None])[0])(x)
                    for x in between
                ]
            )
            excess = jnp.sqrt(jnp.sum(gradient**2, axis=1)) - 1
            gap = jnp.mean(scores[1]) - jnp.mean(scores[0])
            return gap + penalty_weight * jnp.mean(excess**2)

        gradient = jax.grad(critic_loss)(critic)
        change, moments = ADAM.update(gradient, moments, critic)
        critic = optax.apply_updates(critic, change)

    def generator_loss(params):
        scores = CRITIC.apply(critic, GENERATOR.apply(params, z))
        if algorithm_kind == "gan":
            return losses.nonsaturating_generator_loss(scores)
        return -jnp.mean(scores)

    gradient = jax.grad(generator_loss)(state.generator)
    change, _ = ADAM.update(gradient, state.generator_optimizer, state.generator)
    return critic, optax.apply_updates(state.generator, change)


@pytest.mark.parametrize("name", ["gan", "gan-3", "wgan", "wgan-3"])
def test_stacking_and_sharing_change_no_value(name):
    algorithm = VARIANTS[name]()
    state = run(algorithm, [4])
    batches = DATA[: algorithm.batches_per_step * 8].reshape(-1, 8, 2)
    noise = noise_keys(state, algorithm.batches_per_step)
    critic, generator = reference_step(name.split("-")[0], state, batches, noise)
    after, _ = algorithm.step(state, batches)
    close = lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-4, atol=2e-5)  # noqa: E731
    jax.tree.map(close, after.critic, critic)
    jax.tree.map(close, after.generator, generator)


def test_latents_and_interpolation_use_different_keys():
    state = build(critic_steps=2).init(KEY)
    keys = noise_keys(state, 2) + noise_keys(state._replace(step=state.step + 1), 2)
    drawn = {bytes(np.asarray(jax.random.key_data(k))) for pair in keys for k in pair}
    assert len(drawn) == 8


def test_the_average_follows_its_recursion():
    algorithm = build(average_decay=0.5)
    state = algorithm.init(KEY)
    expected = jax.tree.map(np.asarray, state.average)
    for t in range(12):
        state, _ = training.chunk(algorithm, state, DATA, 1, batch_size=8)
        decay = min(0.5, (1 + t) / (10 + t))
        expected = jax.tree.map(
            lambda e, g, d=decay: d * e + (1 - d) * np.asarray(g),
            expected,
            state.generator,
        )
    jax.tree.map(
        lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6),
        state.average,
        expected,
    )


def test_gray_images_train():
    algorithm = build(
        generator=mlp_generator(3, (8, 8), shape=(4, 4, 1)),
        critic=mlp_critic((8,), shape=(4, 4, 1)),
    )
    images = jax.random.randint(KEY, (20, 4, 4, 1), 0, 255).astype(jnp.uint8)
    state = run(algorithm, [3], data=images, batch_size=4)
    assert all(jnp.isfinite(leaf).all() for leaf in jax.tree.leaves(state.generator))


def test_vmap_over_seeds_equals_one_run_after_another():
    algorithm = build()
    keys = jax.random.split(KEY, 3)

    def whole(key):
        return training.run_steps(
            algorithm, algorithm.init(key), DATA, 10, batch_size=8
        )[0].generator

    together = jax.jit(jax.vmap(whole))(keys)
    for i in range(3):
        jax.tree.map(
            lambda a, b, i=i: np.testing.assert_allclose(a[i], b, rtol=1e-3, atol=1e-4),
            together,
            whole(keys[i]),
        )


@pytest.mark.parametrize(
    ("attempt", "message"),
    [
        (lambda: build(critic_steps=0), "critic_steps must be at least 1, got 0"),
        (lambda: build(average_decay=1.0), r"average_decay must be in \[0, 1\)"),
    ],
)
def test_bad_settings_are_refused(attempt, message):
    with pytest.raises(ValueError, match=message):
        attempt()


def test_vmap_over_numbers_equals_one_run_after_another():
    @jax.jit
    def whole(average_decay, penalty_weight, penalty_target):
        algorithm = build(
            average_decay=average_decay,
            penalty_weight=penalty_weight,
            penalty_target=penalty_target,
        )
        state = algorithm.init(KEY)
        state, _ = training.run_steps(algorithm, state, DATA, 5, batch_size=8)
        return state.average, state.critic

    numbers = jnp.array([[0.0, 1.0, 1.0], [0.15, 10.0, 1.0], [0.9, 10.0, 2.0]])
    together = jax.vmap(whole)(*numbers.T)
    for lane, each in enumerate(numbers):
        jax.tree.map(
            lambda a, b, i=lane: np.testing.assert_allclose(
                a[i], b, rtol=1e-3, atol=1e-5
            ),
            together,
            whole(*each),
        )
    for one, other in ((0, 1), (1, 2)):
        assert any((x[one] != x[other]).any() for x in jax.tree.leaves(together))


def in_double_precision(tree):
    def one(leaf):
        floating = jnp.issubdtype(leaf.dtype, jnp.floating)
        return leaf.astype(jnp.float64) if floating else leaf

    return jax.tree.map(one, tree)


def test_training_has_the_derivative_of_finite_differences():
    """Five steps with the default Adam, by the weight of the gradient penalty.

    The bias of the critic's output has no gradient: it cancels in every loss.
    """
    begun = build().init(KEY)

    def trained(weight):
        algorithm = build(penalty_weight=weight)
        state, data = in_double_precision((begun, DATA))
        with jax.numpy_dtype_promotion("standard"):
            state, _ = training.run_steps(algorithm, state, data, 5, batch_size=8)
        return jnp.mean(GENERATOR.apply(state.generator, jnp.eye(3)) ** 2)

    with jax.enable_x64(True):
        weight, size = jnp.asarray(10.0), 1e-4
        value, slope = jax.jit(trained), jax.jit(jax.grad(trained))(weight)
        change = value(weight + size) - value(weight - size)
    assert abs(slope) > 1e-6
    assert float(slope) == pytest.approx(float(change) / (2 * size), rel=1e-5)
