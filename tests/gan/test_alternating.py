import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from jaxgan import gan, pixels, training
from jaxgan.gan import losses
from jaxgan.networks import (
    FinishedGenerator,
    FinishedNetwork,
    Generator,
    linear,
    mlp_critic,
    mlp_generator,
)

KEY = jax.random.key(0)


def adam(rate=5e-4, b1=0.0, b2=0.99, inner=training.adam):
    """Optax's own bias correction is not written for strict promotion."""
    inner = inner(rate, b1, b2)

    def update(updates, state, params=None):
        with jax.numpy_dtype_promotion("standard"):
            return inner.update(updates, state, params)

    return optax.GradientTransformation(inner.init, update)


ADAM = adam(1e-3)
GENERATOR = mlp_generator(3, (8, 8), shape=(2,), output=linear(-1.0, 1.0))
CRITIC = mlp_critic((8, 8), shape=(2,))
DATA = jax.random.normal(jax.random.key(9), (50, 2)) + 1.0


def build(make=gan.wgan_gp, generator=GENERATOR, critic=CRITIC, **options):
    return make(
        generator,
        critic,
        **{"generator_optimizer": ADAM, "critic_optimizer": ADAM, **options},
    )


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


VARIANTS = {
    "gan": lambda: build(gan.vanilla_gan),
    "gan-saturating": lambda: build(gan.vanilla_gan, saturating=True),
    "gan-3": lambda: build(gan.vanilla_gan, critic_steps=3),
    "wgan": lambda: build(),
    "wgan-one-sided": lambda: build(one_sided=True),
    "wgan-3": lambda: build(critic_steps=3),
}


def words(state):
    """The bits of a state."""
    plain = state._replace(key=jax.random.key_data(state.key))
    return [np.asarray(leaf).tobytes() for leaf in jax.tree.leaves(plain)]


def run(algorithm, lengths, data=DATA, seed=0, batch_size=8):
    state = algorithm.init(jax.random.key(seed))
    for length in lengths:
        state, _ = training.chunk(algorithm, state, data, length, batch_size=batch_size)
    return state


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


def slow(value):
    return pytest.param(value, marks=pytest.mark.slow)


@pytest.mark.parametrize("name", [slow("gan"), "wgan", slow("wgan-3")])
def test_chunks_of_any_length_give_the_same_bits(name):
    # 6 steps an epoch (2 with three critic steps): all cross epochs in mid-chunk.
    algorithm = VARIANTS[name]()
    whole = words(run(algorithm, [24]))
    assert words(run(algorithm, [5, 7, 12])) == whole
    assert words(run(algorithm, [1] * 24)) == whole


def test_a_state_that_went_to_the_host_and_back_goes_on_with_the_same_bits():
    algorithm = build()
    state = run(algorithm, [7])
    host = jax.tree.map(np.asarray, state._replace(key=jax.random.key_data(state.key)))
    back = jax.tree.map(jnp.asarray, host)
    back = back._replace(key=jax.random.wrap_key_data(back.key))
    back, _ = training.chunk(algorithm, back, DATA, 5, batch_size=8)
    assert words(back) == words(run(algorithm, [12]))


def probe(critic_steps, room):
    """An algorithm that only writes down the examples it is given."""

    def init(key):
        state = build().init(key)
        return state._replace(average=jnp.full((room, critic_steps, 4), -1.0))

    def step(state, batches):
        seen = state.average.at[state.step].set(batches[..., 0])
        zero = jnp.zeros(())
        metrics = gan.Metrics(zero, zero, zero, None, None)
        return state._replace(average=seen, step=state.step + 1), metrics

    return training.Algorithm(init, step, critic_steps)


def seen_examples(key, critic_steps=2, num_steps=9):
    algorithm = probe(critic_steps, num_steps)
    state = algorithm.init(key)
    data = jnp.arange(26.0)[:, None]
    state, _ = training.run_steps(algorithm, state, data, num_steps, batch_size=4)
    return np.asarray(state.average)


def test_an_epoch_repeats_nothing_and_every_critic_step_sees_other_images():
    seen = seen_examples(KEY)  # 26 examples: 3 steps of 8 an epoch, 2 left out
    epochs = seen.reshape(3, 24)
    assert all(len(set(epoch)) == 24 for epoch in epochs)
    assert not set(seen[0, 0]) & set(seen[0, 1])
    assert len({tuple(epoch) for epoch in epochs}) == 3, "a new order every epoch"


def test_the_order_is_a_function_of_key_and_epoch_alone():
    np.testing.assert_array_equal(seen_examples(KEY)[:4], seen_examples(KEY, 2, 4))
    assert (seen_examples(KEY) != seen_examples(jax.random.key(1))).any()


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


def noise_keys(state, critic_steps):
    noise = jax.random.split(state.key, 3)[1]
    keys = jax.random.split(jax.random.fold_in(noise, state.step), critic_steps)
    return [jax.random.split(key) for key in keys]


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


def test_pixels_are_scaled_and_points_are_not():
    scaled = pixels.as_inputs(jnp.array([0, 51, 255], jnp.uint8))
    np.testing.assert_allclose(scaled, [-1, -0.6, 1], atol=1e-7)
    assert pixels.as_inputs(DATA) is DATA


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


def test_a_chunk_is_traced_once_for_each_length():
    traces = []
    inner = build()

    def step(state, batches):
        traces.append(None)
        return inner.step(state, batches)

    algorithm = training.Algorithm(inner.init, step, 1)
    run(algorithm, [4, 4, 4])
    assert len(traces) == 1


def test_the_old_state_is_donated():
    algorithm = build()
    state = algorithm.init(KEY)
    training.chunk(algorithm, state, DATA, 2, batch_size=8)
    assert all(leaf.is_deleted() for leaf in jax.tree.leaves(state.critic))


def constant_generator(shift):
    """Gives N(shift, 1) and has one weight that does nothing."""

    def apply(params, z):
        return z + shift + 0 * params["unused"]

    def init(key):
        del key
        return {"unused": jnp.zeros((1, 1))}

    def logits(params, z, kink):
        del kink
        return apply(params, z)

    network = FinishedNetwork(logits, 1, linear(-1.0, 1.0), slope=None)

    def fold(params, z):
        del z
        return FinishedGenerator(network, params)

    return Generator(init, apply, 1, fold, network)


def test_the_wasserstein_estimate_of_a_shift_has_its_closed_form_and_a_plus_sign():
    # W1 between N(0, 1) and N(c, 1) is c, reached by a linear critic. With penalty
    # weight λ the best slope s maximises c s - λ (s - 1)², so s = 1 + c / 2λ.
    generator, shift, weight = constant_generator(2.0), 2.0, 10.0
    critic = mlp_critic((16,), shape=(1,))
    algorithm = build(
        generator=generator,
        critic=critic,
        critic_optimizer=adam(1e-2),
        generator_optimizer=optax.set_to_zero(),
        penalty_weight=weight,
    )
    data = jax.random.normal(KEY, (4000, 1))
    slope = 1 + shift / (2 * weight)
    state = run(algorithm, [1000], data=data, batch_size=200)
    state, metrics = training.chunk(algorithm, state, data, 1000, batch_size=200)
    assert metrics.gradient_norm == pytest.approx(slope, rel=0.01)
    assert metrics.wasserstein_estimate == pytest.approx(shift * slope, rel=0.02)
    unseen = jax.random.normal(jax.random.key(5), (4000, 1))
    estimate = gan.heldout_wasserstein_estimate(generator, critic, state, unseen)
    # Two means of 4,000 unit normals: standard error 0.022 times the slope.
    assert estimate == pytest.approx(shift * slope, abs=4 * 0.022 * slope)


@pytest.mark.parametrize("seed", [0, slow(1)])
def test_wgan_gp_finds_all_modes_of_a_ring(seed):
    angles = jnp.arange(8.0) * (2 * jnp.pi / 8)
    centres = jnp.stack([jnp.cos(angles), jnp.sin(angles)], 1)
    noise = 0.05 * jax.random.normal(KEY, (4000, 2))
    ring = centres[jnp.arange(4000) % 8] + noise
    generator = mlp_generator(
        2, (64, 64), shape=(2,), output=linear(-1.0, 1.0), batch_norm=False
    )
    algorithm = build(
        generator=generator,
        critic=mlp_critic((64, 64), shape=(2,)),
        critic_optimizer=adam(1e-3, b2=0.9),
        penalty_weight=1.0,
        critic_steps=3,
        average_decay=0.99,
    )
    state = run(algorithm, [2500], data=ring, seed=seed, batch_size=128)
    z = jax.random.normal(jax.random.key(3), (2000, 2))
    samples = generator.apply(state.average, z)
    distances = jnp.linalg.norm(samples[:, None] - centres[None], axis=-1)
    near = distances.min(1) < 0.15
    found = np.bincount(np.asarray(distances.argmin(1))[np.asarray(near)], minlength=8)
    assert near.mean() > 0.6
    assert (found > 2000 / 8 / 4).all(), found


@pytest.mark.parametrize(
    ("attempt", "message"),
    [
        (lambda: build(critic_steps=0), "critic_steps must be at least 1, got 0"),
        (lambda: build(average_decay=1.0), r"average_decay must be in \[0, 1\)"),
        (lambda: run(build(), [0]), "num_steps must be at least 1, got 0"),
        (lambda: run(build(), [1], batch_size=51), "between 1 and 50 examples"),
        (lambda: run(build(), [1], batch_size=0), "got 0"),
    ],
)
def test_bad_settings_are_refused(attempt, message):
    with pytest.raises(ValueError, match=message):
        attempt()
