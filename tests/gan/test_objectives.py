"""What the two networks minimise, on distributions that are known."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from adversaries import KEY, adam, build, run

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
