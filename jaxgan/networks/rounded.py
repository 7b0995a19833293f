"""Generators whose leaky ReLUs have rounded corners, smooth everywhere.

The corner is rounded to h(a) = αa + (1 − α)(a + √(a² + w²))/2, α the slope on the
negative side and w the width of the corner; at w = 0 it is the leaky ReLU.
"""

import math
from functools import cache

import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxgan.networks.finished import SMOOTH, FinishedGenerator, FinishedNetwork, Kink
from jaxgan.networks.piecewise import is_smooth, require_kinks
from jaxgan.types import Examples, Latents, Params, Scalar


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
    kink = corner(require_kinks(generator), width)
    weights = generator.as_type(latents.dtype).params
    logits = generator.network.logits(weights, latents, kink)
    return generator.network.output.function(logits)


def round_corners(generator: FinishedGenerator, width: float) -> FinishedGenerator:
    """Return the smooth generator that has rounded corners in place of kinks.

    Equal networks and widths make equal networks, so that nothing is compiled twice.

    Args:
        generator: whose kinks are declared.
        width: of the corners, in the units of the pre-activations; above 0.

    Raises:
        ValueError: if the generator does not declare its kinks or has none, or the
            width is not positive and finite.
    """
    slope = require_kinks(generator)
    if is_smooth(generator):
        raise ValueError("the generator is smooth: it has no corners to round")
    if not 0 < width < math.inf:
        raise ValueError(f"expected a width above 0 and finite, got {width}")
    network = smooth_network(generator.network, slope, width)
    return FinishedGenerator(network, generator.params)


@cache
def smooth_network(
    network: FinishedNetwork, slope: float, width: float
) -> FinishedNetwork:
    """Return the network with rounded corners in place of its leaky ReLUs."""

    def logits(params: Params, latents: Latents, kink: Kink) -> Examples:
        return network.logits(params, latents, corner(slope, width))

    return network._replace(logits=logits, slope=SMOOTH)


def corner(slope: float, width: float | Scalar) -> Kink:
    """Return the rounded leaky ReLU of one width, in the precision of its units."""

    def kink(units: Float[Array, "*units"]) -> Float[Array, "*units"]:
        return rounded_leaky_relu(slope, units, jnp.asarray(width, units.dtype))[0]

    return kink
