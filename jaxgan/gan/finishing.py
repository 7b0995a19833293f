"""From a generator in training to the plain network that is evaluated and saved."""

import jax
import jax.numpy as jnp

from jaxgan.networks import Generator, Network
from jaxgan.storage import as_stored
from jaxgan.types import Params, PRNGKey

FOLDING_LATENTS = 10_000
"""Latents that the statistics of batch-normalisation are taken over."""


def finish(
    key: PRNGKey, generator: Generator, params: Params
) -> tuple[Network, Params | None]:
    """Return a trained generator folded, its weights rounded as they are stored.

    Args:
        key: of the latents that the statistics of batch-normalisation are taken over.
        generator: the generator that was trained.
        params: its weights, best their moving average.

    Returns:
        The network without batch-normalisation, and its weights; None in place of the
        weights if one of them is not finite.
    """
    latents = jax.random.normal(key, (FOLDING_LATENTS, generator.latent_dim))
    network, weights = generator.fold(params, latents)
    weights = as_stored(weights)
    return network, weights if _all_finite(weights) else None


@jax.jit
def _all_finite(params: Params) -> jax.Array:
    finite = [jnp.isfinite(leaf).all() for leaf in jax.tree.leaves(params)]
    return jnp.stack(finite).all()
