"""The words that type annotations use, each with what it means and its shape.

An *example* is one point of the space that a generator makes samples in, most often an
image. A *latent*, also called a code, is the vector that a generator turns into an
example. A *score* is what a critic returns for an example.

>>> import jax.numpy as jnp
>>> from jaxgan.types import Latents
>>> isinstance(jnp.zeros((5, 2)), Latents), isinstance(jnp.zeros(5), Latents)
(True, False)
"""

from typing import Any, TypeAlias

from jaxtyping import Array, Float, Key

__all__ = [
    "Example",
    "Examples",
    "Latent",
    "Latents",
    "PRNGKey",
    "Params",
    "Scalar",
    "Scores",
]

Params: TypeAlias = Any
"""A pytree of arrays: the weights of one network."""

Scalar: TypeAlias = Float[Array, ""]
"""One floating-point number."""

Latent: TypeAlias = Float[Array, "latent"]
"""One code; where nothing else is said, a standard normal vector."""

Latents: TypeAlias = Float[Array, "batch latent"]
"""One code for each example of a batch."""

Example: TypeAlias = Float[Array, "*shape"]
"""One point of data space: an image `[28, 28, 1]` in [-1, 1], a point `[2]`, …"""

Examples: TypeAlias = Float[Array, "batch *shape"]
"""A batch of examples."""

Scores: TypeAlias = Float[Array, "batch"]
"""One critic score (or discriminator logit) for each example of a batch."""

PRNGKey: TypeAlias = Key[Array, ""]
"""A key of `jax.random.key`, from which random numbers are drawn."""
