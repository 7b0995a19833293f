"""From a generator in training to the plain network that is evaluated and saved."""

import jax
import jax.numpy as jnp

from jaxgan.networks import FinishedGenerator, Generator
from jaxgan.storage import as_stored
from jaxgan.types import Params, PRNGKey

FOLDING_LATENTS = 10_000
"""Latents that the statistics of batch-normalisation are taken over."""


def finish(
    key: PRNGKey, generator: Generator, params: Params
) -> FinishedGenerator | None:
    """Return a trained generator folded, its weights rounded as they are stored.

    Args:
        key: of the latents that the statistics of batch-normalisation are taken over.
        generator: the generator that was trained.
        params: its weights, best their moving average.

    Returns:
        The finished generator; None if a weight is not finite.
    """
    latents = jax.random.normal(key, (FOLDING_LATENTS, generator.latent_dim))
    finished = as_stored(generator.fold(params, latents))
    return finished if _all_finite(finished) else None


@jax.jit
def _all_finite(finished: FinishedGenerator) -> jax.Array:
    finite = [jnp.isfinite(leaf).all() for leaf in jax.tree.leaves(finished)]
    return jnp.stack(finite).all()
