"""A metric without symmetries, and a path that is not straight."""

import jax
import jax.numpy as jnp

from jaxgan import paths


def metric(latents):
    """A metric without symmetries."""
    waves = jnp.sin(2 * latents) @ jnp.arange(1.0, latents.shape[1] + 1)
    return 2 + 0.3 * jnp.tanh(waves) + jnp.sum(latents * latents, 1)


def path(segments=7, latent_dim=3):
    key_a, key_b = jax.random.split(jax.random.key(0))
    ends = jax.random.normal(key_a, (2, latent_dim))
    line = paths.line(ends[0], ends[1], segments)
    return line + 0.3 * jax.random.normal(key_b, line.shape)
