"""What the two networks minimise, on distributions that are known."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from adversaries import (
    CRITIC,
    DATA,
    GENERATOR,
    KEY,
    adam,
    build,
    noise_keys,
    run,
)

from jaxgan import gan, training
from jaxgan.networks import (
    FinishedGenerator,
    FinishedNetwork,
    Generator,
    linear,
    mlp_critic,
    mlp_generator,
)


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


@pytest.mark.parametrize("seed", [0, pytest.param(1, marks=pytest.mark.slow)])
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


GRAY = (4, 4, 1)
STILL, DOWNHILL = optax.set_to_zero(), optax.sgd(0.1)
OPTIONS = [
    {},
    {"penalty_weight": 3.0, "penalty_target": 2.0},
    {"one_sided": True, "penalty_target": 0.1},
    {"one_sided": True, "penalty_target": 50.0},
]


def penalty_of(norm, penalty_target=1.0, one_sided=False):
    """The penalty of the papers, of one norm."""
    excess = norm - penalty_target
    return max(excess, 0.0) ** 2 if one_sided else excess**2


@pytest.mark.parametrize("options", OPTIONS)
def test_the_penalty_of_a_linear_critic_of_images_is_exact(options):
    """The norm is over all pixels: one over channels would be that of each pixel."""
    algorithm = build(
        generator=mlp_generator(3, (8,), shape=GRAY),
        critic=mlp_critic((), shape=GRAY),
        critic_optimizer=STILL,
        **options,
    )
    state = algorithm.init(KEY)
    weights = np.asarray(state.critic["output"]["kernel"])
    _, metrics = algorithm.step(state, jax.random.normal(KEY, (1, 6, *GRAY)))
    norm, others = np.linalg.norm(weights), dict(options)
    weight = others.pop("penalty_weight", 10.0)
    penalty = penalty_of(norm, **others)
    assert metrics.gradient_norm == pytest.approx(norm, rel=1e-5)
    assert metrics.gradient_penalty == pytest.approx(penalty, rel=1e-4)
    loss = -float(metrics.wasserstein_estimate) + weight * penalty
    assert metrics.critic_loss == pytest.approx(loss, rel=1e-4)


@pytest.mark.parametrize("options", OPTIONS[1:3])
def test_a_step_on_images_is_that_of_the_paper(options):
    """Two updates of the critic and one of the generator, example by example."""
    generator, critic = mlp_generator(3, (8,), shape=GRAY), mlp_critic((8,), shape=GRAY)
    algorithm = build(
        generator=generator,
        critic=critic,
        generator_optimizer=DOWNHILL,
        critic_optimizer=DOWNHILL,
        critic_steps=2,
        **options,
    )
    state = algorithm.init(KEY)._replace(step=jnp.int32(3))
    batches = jax.random.normal(jax.random.key(2), (2, 6, *GRAY))
    after, _ = jax.jit(algorithm.step)(state, batches)

    others = dict(options)
    weight, target = others.pop("penalty_weight", 10.0), others.get("penalty_target", 1)

    @jax.jit
    def gradient_of_critic(params, real, fake, epsilons):
        def score(params, example):
            return critic.apply(params, example[None])[0]

        def loss(params, real, fake, epsilon):
            between = epsilon * real + (1 - epsilon) * fake
            slope = jax.grad(score, 1)(params, between)
            excess = jnp.sqrt(jnp.sum(slope**2)) - target
            if others.get("one_sided"):
                excess = jax.nn.relu(excess)
            return score(params, fake) - score(params, real) + weight * excess**2

        def mean(params):
            return jnp.mean(
                jax.vmap(loss, (None, 0, 0, 0))(params, real, fake, epsilons)
            )

        return jax.grad(mean)(params)

    def moved(params, gradient):
        return jax.tree.map(lambda p, g: p - 0.1 * g, params, gradient)

    expected, latents = state.critic, jnp.zeros((6, 3))
    for real, (latent_key, key) in zip(batches, noise_keys(state, 2), strict=True):
        latents = jax.random.normal(latent_key, (6, 3))
        fake = generator.apply(state.generator, latents)
        epsilons = jax.random.uniform(key, (6, 1, 1, 1))
        expected = moved(expected, gradient_of_critic(expected, real, fake, epsilons))
    gradient = jax.grad(
        lambda params: (
            -jnp.mean(critic.apply(expected, generator.apply(params, latents)))
        )
    )(state.generator)
    for found, wanted in (
        (after.critic, expected),
        (after.generator, moved(state.generator, gradient)),
    ):
        jax.tree.map(
            lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-5),
            found,
            wanted,
        )


def test_every_option_changes_what_is_learned():
    every = {
        gan.vanilla_gan: [{"saturating": True}],
        gan.wgan_gp: [
            {"one_sided": True},
            {"penalty_target": 2.0},
            {"penalty_weight": 1.0},
            {"critic_steps": 2},
            {"average_decay": 0.1},
        ],
    }
    for make, options in every.items():
        plain = run(build(make), [2])
        for option in options:
            leaves = jax.tree.map(
                lambda a, b: (a != b).any(),
                plain.average,
                run(build(make, **option), [2]).average,
            )
            assert any(jax.tree.leaves(leaves)), option


def test_the_minimax_generator_loss_is_minimised_where_it_is_asked_for():
    """One step down the loss lowers the discriminator's doubt as that loss has it."""
    algorithm = build(
        gan.vanilla_gan,
        saturating=True,
        critic_optimizer=STILL,
        generator_optimizer=DOWNHILL,
    )
    state = algorithm.init(KEY)
    (latent_key, _), *_ = noise_keys(state, 1)
    latents = jax.random.normal(latent_key, (8, 3))

    def loss(params):
        scores = CRITIC.apply(state.critic, GENERATOR.apply(params, latents))
        return jnp.mean(jnp.log(1 - jax.nn.sigmoid(scores)))

    after, metrics = algorithm.step(state, DATA[None, :8])
    assert metrics.generator_loss == pytest.approx(
        float(loss(state.generator)), rel=1e-5
    )
    jax.tree.map(
        lambda a, p, g: np.testing.assert_allclose(
            a, p - 0.1 * g, rtol=1e-4, atol=1e-6
        ),
        after.generator,
        state.generator,
        jax.grad(loss)(state.generator),
    )
