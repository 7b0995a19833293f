"""Networks whose leaky ReLUs have rounded corners, smooth everywhere.

The corner is rounded to h(a) = αa + (1 − α)(a + √(a² + w²))/2, α the slope on the
negative side and w the width of the corner; at w = 0 it is the leaky ReLU.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxgan.networks.layers import NEGATIVE_SLOPE
from jaxgan.networks.piecewise import Layers, layers_of
from jaxgan.types import Latent, Latents, Params, Scalar

Rounded = Callable[[Latents, Scalar], Float[Array, "batch pixels"]]
"""A generator with corners of a given width."""


def rounded_leaky_relu(
    unit: Float[Array, "*units"], width: Scalar
) -> tuple[Array, Array, Array]:
    """Return the rounded leaky ReLU and its first two derivatives."""
    root = jnp.sqrt(unit * unit + width * width)
    jump = 0.5 * (1 - NEGATIVE_SLOPE)
    return (
        NEGATIVE_SLOPE * unit + jump * (unit + root),
        NEGATIVE_SLOPE + jump * (1 + unit / root),
        jump * (width / root) ** 2 / root,
    )


def rounded_generator(params: Params) -> Rounded:
    """Return the rounded form of a folded fully connected generator.

    Raises:
        ValueError: if the weights are of another kind of network.
    """
    layers = layers_of(params)

    def generate(latents: Latents, width: Scalar) -> Float[Array, "batch pixels"]:
        weights = jax.tree.map(lambda w: w.astype(latents.dtype), layers)
        return jax.vmap(lambda latent: image(weights, latent, width))(latents)

    return generate


def image(layers: Layers, latent: Latent, width: Scalar) -> Float[Array, "pixels"]:
    """Return the image that the rounded network makes of a latent, flattened."""
    activation = latent
    for kernel, bias in zip(layers.kernels[:-1], layers.biases[:-1], strict=True):
        activation = rounded_leaky_relu(activation @ kernel + bias, width)[0]
    return jnp.tanh(activation @ layers.kernels[-1] + layers.biases[-1])
