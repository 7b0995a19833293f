"""A small generator and critic of points in the plane, and their training."""

from typing import Any

import jax
import numpy as np
import optax

from jaxgan import gan, training
from jaxgan.networks import linear, mlp_critic, mlp_generator

KEY = jax.random.key(0)


def adam(rate: Any = 5e-4, b1=0.0, b2=0.99, inner=training.adam):
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


def noise_keys(state, critic_steps):
    noise = jax.random.split(state.key, 3)[1]
    keys = jax.random.split(jax.random.fold_in(noise, state.step), critic_steps)
    return [jax.random.split(key) for key in keys]
