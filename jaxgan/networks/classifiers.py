"""A convolutional classifier of digits; its features serve to compare images."""

from collections.abc import Sequence
from typing import NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxgan.networks.layers import Network, bind, require_positive


class Classified(NamedTuple):
    """Outputs of a classifier for a batch of images.

    Attributes:
        features: activations of the last hidden layer; none is negative.
        logits: log-probabilities of the classes, each row up to a constant.
    """

    features: Float[Array, "batch features"]
    logits: Float[Array, "batch classes"]


class _Conv(nn.Module):
    """A convolution of stride 2 as one matrix product of all its patches.

    XLA's own convolutions are ten times slower inside compiled loops on CPUs.
    """

    features: int
    kernel: int

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        size = -(-x.shape[1] // 2)
        missing = 2 * (size - 1) + self.kernel - x.shape[1]
        margin = (missing // 2, missing - missing // 2)
        x = jnp.pad(x, ((0, 0), margin, margin, (0, 0)))
        last = 2 * size - 1
        patches = [
            x[:, i : i + last : 2, j : j + last : 2]
            for i in range(self.kernel)
            for j in range(self.kernel)
        ]
        return nn.Dense(self.features, name="affine")(jnp.concatenate(patches, -1))


class _ConvClassifier(nn.Module):
    channels: Sequence[int]
    features: int
    classes: int

    @nn.compact
    def __call__(self, x: jax.Array) -> Classified:
        kernel = 5
        for i, channels in enumerate(self.channels):
            x = nn.relu(_Conv(channels, kernel, name=f"hidden_{i}")(x))
            kernel = 3
        x = x.reshape(x.shape[0], -1)
        x = nn.relu(nn.Dense(self.features, name="features")(x))
        return Classified(x, nn.Dense(self.classes, name="output")(x))


def conv_classifier(
    channels: Sequence[int] = (32, 64, 64), *, features: int = 128, classes: int = 10
) -> Network:
    """Build a classifier of 28×28 images: stride-2 convolutions, a dense layer, logits.

    `apply` returns a `Classified`. All hidden layers have a ReLU; there is no
    normalisation, so that each image is classified alone.

    Args:
        channels: of the convolutions; the first is 5×5, the others 3×3.
        features: width of the dense layer.
        classes: number of classes.

    Raises:
        ValueError: if a width is below 1.
    """
    require_positive(channels=channels, features=(features,), classes=(classes,))
    images = jax.ShapeDtypeStruct((1, 28, 28, 1), jnp.float32)
    return bind(_ConvClassifier(tuple(channels), features, classes), images)
