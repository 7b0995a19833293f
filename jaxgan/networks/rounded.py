"""Generators whose leaky ReLUs have rounded corners, smooth everywhere.

The corner is rounded to h(a) = αa + (1 − α)(a + √(a² + w²))/2, α the slope on the
negative side and w the width of the corner; at w = 0 it is the leaky ReLU.
"""

import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxgan.networks.finished import FinishedGenerator
from jaxgan.networks.piecewise import require_kinks
from jaxgan.types import Examples, Latents, Scalar


def rounded_leaky_relu(
    slope: float, units: Float[Array, "*units"], width: Scalar
) -> tuple[Array, Array, Array]:
    """Return the rounded leaky ReLU and its first two derivatives."""
    root = jnp.sqrt(units * units + width * width)
    jump = 0.5 * (1 - slope)
    return (
        slope * units + jump * (units + root),
        slope + jump * (1 + units / root),
        jump * (width / root) ** 2 / root,
    )


def generate_rounded(
    generator: FinishedGenerator, latents: Latents, width: Scalar
) -> Examples:
    """Return images of latents, with rounded corners in place of kinks.

    Raises:
        ValueError: if the generator does not declare its kinks.
    """
    slope = require_kinks(generator)
    weights = generator.as_type(latents.dtype).params
    logits = generator.network.logits(
        weights, latents, lambda units: rounded_leaky_relu(slope, units, width)[0]
    )
    return generator.network.output.function(logits)
