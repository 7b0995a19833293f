"""The vocabulary of the library: what its arrays mean, with their shapes."""

from typing import Any, TypeAlias

from jaxtyping import Array, Float, Key

Params: TypeAlias = Any
"""A pytree of arrays: the weights of one network."""

Scalar: TypeAlias = Float[Array, ""]

Latent: TypeAlias = Float[Array, "latent"]
Latents: TypeAlias = Float[Array, "batch latent"]

Example: TypeAlias = Float[Array, "*shape"]
"""One point of data space: an image `[28, 28, 1]` in [-1, 1], a point `[2]`, …"""

Examples: TypeAlias = Float[Array, "batch *shape"]

Scores: TypeAlias = Float[Array, "batch"]
"""One critic score (or discriminator logit) for each example of a batch."""

PRNGKey: TypeAlias = Key[Array, ""]
