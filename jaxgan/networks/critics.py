"""Critics: from examples to scores, each example alone.

The pixels of digits are nearly all -1. A first layer that is given them as they are
sees one large common input, beside which what tells images apart is small, and learns
slowly. `centred` subtracts the mean image.
"""

from collections.abc import Sequence
from typing import TypeAlias

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from jaxgan.networks.arguments import floats
from jaxgan.networks.layers import Hidden, Network, bind, conv, dense, require_positive
from jaxgan.types import Examples, Params, PRNGKey, Scores

Centre: TypeAlias = Float[Array | np.ndarray, "*shape"]


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


def centred(critic: Network, centre: Centre) -> Network:
    """Return the critic of examples minus `centre`.

    With the mean of the training examples it learns faster (LeCun et al. 1998,
    "Efficient BackProp", section 4.3). Both critics can be the same functions, since a
    bias makes up for the centre; gradients by examples and penalties mean the same.

    Args:
        critic: of examples.
        centre: one example.

    Raises:
        ValueError: if `centre` is not of floating-point numbers, or examples are not
            of its shape.
    """
    shape = np.shape(centre)
    checked = floats("centre", centre, shape)

    def apply(params: Params, examples: Examples) -> Scores:
        if examples.shape[1:] != shape:
            raise ValueError(
                f"the centre is {list(shape)}, got examples {list(examples.shape)}"
            )
        return critic.apply(
            params, examples - jnp.asarray(checked, examples.dtype)[None]
        )

    return Network(critic.init, apply)


def with_centre(critic: Network, shape: Sequence[int]) -> Network:
    """Return a centred critic that has its centre among its weights, to be stored.

    Its weights are `{"centre": centre, "critic": weights of the critic}`. Train with
    `centred`: here the centre would be trained too.

    Args:
        critic: of examples.
        shape: of one example.
    """

    def init(key: PRNGKey) -> Params:
        return {"centre": jnp.zeros(shape), "critic": critic.init(key)}

    def apply(params: Params, examples: Examples) -> Scores:
        return centred(critic, params["centre"]).apply(params["critic"], examples)

    return Network(init, apply)
