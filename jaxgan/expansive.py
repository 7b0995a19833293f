"""The closed-form inverse of a generator whose layers do not narrow."""

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from jaxgan.networks import NEGATIVE_SLOPE
from jaxgan.networks.piecewise import Layers


def invert_expansive(
    layers: Layers, images: Float[Array, "n pixels"], *, margin: float = 0.0
) -> Float[Array, "n latent"]:
    """Find the code of images that are in the range of the generator.

    Layer by layer from the last: h ← W⁺(h′ − b), where h′ undoes the activation; a
    leaky ReLU loses nothing. The pseudo-inverse W⁺ is a left inverse, so the code of an
    image G(z) is z exactly, up to rounding and to pixels where tanh saturates.

    Args:
        layers: none narrower than the one before, all of full rank.
        images: in [-1, 1].
        margin: pixels are kept so far from ±1.

    Raises:
        ValueError: if a layer is narrower than the one before.
    """
    widths = [kernel.shape for kernel in layers.kernels]
    if any(outputs < inputs for inputs, outputs in widths):
        raise ValueError(f"a layer narrows: inputs and outputs are {widths}")
    least = max(margin, float(np.finfo(images.dtype).epsneg))
    activation = jnp.arctanh(jnp.clip(images, -1 + least, 1 - least))
    for index in reversed(range(len(widths))):
        # Row vectors: activation = h @ W + b.
        inverse = jnp.linalg.pinv(layers.kernels[index])
        activation = (activation - layers.biases[index][None]) @ inverse
        if index:
            activation = jnp.where(
                activation > 0, activation, activation / NEGATIVE_SLOPE
            )
    return activation
