"""Training on codes between two codes, so that the critic judges images of paths.

The middle of a line between two codes of the prior is nearer to the origin than codes
of the prior are (Kilcher et al. 2017, arXiv:1710.11381), and in training no image is
ever made of such a code: nothing asks that what lies on a path looks real.
"""

import jax.numpy as jnp

from jaxgan.networks import Generator
from jaxgan.types import Latents


def with_codes_between(generator: Generator) -> Generator:
    """Return the generator with half of the codes of each batch moved onto lines.

    The second half of a batch, z₁ … zₙ, becomes (1 − t) zₖ + t zₖ₋₁, with t spread
    evenly over (0, 1). Statistics of batch-normalisation are over such batches too,
    also where they are folded: train and finish the generator that is returned.
    Finished, it takes codes as they are.
    """

    def apply(params, latents):
        return generator.apply(params, between(latents))

    def fold(params, latents):
        return generator.fold(params, between(latents))

    return generator._replace(apply=apply, fold=fold)


def between(latents: Latents) -> Latents:
    """Return the codes, the second half moved onto lines between two of them."""
    kept, moved = jnp.split(latents, [len(latents) // 2])
    shares = (jnp.arange(len(moved), dtype=latents.dtype) + 0.5) / len(moved)
    ends = jnp.roll(moved, 1, 0)
    return jnp.concatenate([kept, moved + shares[:, None] * (ends - moved)])
