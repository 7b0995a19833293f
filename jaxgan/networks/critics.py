"""Critics: from examples to scores, each example alone."""

from collections.abc import Sequence

import flax.linen as nn
import jax
import jax.numpy as jnp

from jaxgan.networks.layers import Hidden, Network, bind, conv, dense, require_positive


class _MLPCritic(nn.Module):
    widths: Sequence[int]

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        x = x.reshape(x.shape[0], -1)
        for i, width in enumerate(self.widths):
            x = Hidden(dense(width), False, name=f"hidden_{i}")(x)
        return nn.Dense(1, name="output")(x)[:, 0]


class _ConvCritic(nn.Module):
    channels: Sequence[int]
    width: int

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        for i, channels in enumerate(self.channels):
            x = Hidden(conv(channels), False, name=f"hidden_{i}")(x)
        x = x.reshape(x.shape[0], -1)
        x = Hidden(dense(self.width), False, name=f"hidden_{len(self.channels)}")(x)
        return nn.Dense(1, name="output")(x)[:, 0]


def mlp_critic(
    widths: Sequence[int] = (512, 256), *, shape: Sequence[int] = (28, 28, 1)
) -> Network:
    """Build a fully connected critic with leaky ReLUs and without normalisation.

    Args:
        widths: hidden widths.
        shape: shape of one example.

    Raises:
        ValueError: if a width or a dimension is below 1.
    """
    require_positive(widths=widths, shape=shape)
    examples = jax.ShapeDtypeStruct((1, *shape), jnp.float32)
    return bind(_MLPCritic(tuple(widths)), examples)


def conv_critic(channels: Sequence[int] = (64, 128), *, width: int = 1024) -> Network:
    """Build a critic of 28×28 images: stride-2 convolutions, a dense layer, one score.

    Raises:
        ValueError: if a width is below 1.
    """
    require_positive(channels=channels, width=(width,))
    images = jax.ShapeDtypeStruct((1, 28, 28, 1), jnp.float32)
    return bind(_ConvCritic(tuple(channels), width), images)
