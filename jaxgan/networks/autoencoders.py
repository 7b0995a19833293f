"""Encoders, from examples to heads, and decoders, from latents to outputs."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxgan.networks.layers import Hidden, Network, bind, dense, require_positive


class Heads(NamedTuple):
    """The two outputs of an encoder, which are not bounded, for a batch of examples.

    A channel (`jaxgan.autoencoders`) turns them into a distribution of codes; the same
    heads serve every kind of noise.

    Attributes:
        location: from which the channel makes the mean of a code.
        scale: from which it makes the width of the noise: one number for each latent
            dimension, or a matrix.
    """

    location: Float[Array, "batch latent"]
    scale: Float[Array, "batch latent *columns"]


class _MLPEncoder(nn.Module):
    latent_dim: int
    widths: Sequence[int]
    full_scale: bool

    @nn.compact
    def __call__(self, x: jax.Array) -> Heads:
        x = x.reshape(x.shape[0], -1)
        for i, width in enumerate(self.widths):
            x = Hidden(dense(width), False, name=f"hidden_{i}")(x)
        location = nn.Dense(self.latent_dim, name="location")(x)
        shape = (self.latent_dim,) * (2 if self.full_scale else 1)
        scale = nn.Dense(math.prod(shape), name="scale")(x)
        return Heads(location, scale.reshape(-1, *shape))


class _MLPDecoder(nn.Module):
    widths: Sequence[int]
    shape: Sequence[int]

    @nn.compact
    def __call__(self, latents: jax.Array) -> jax.Array:
        x = latents
        for i, width in enumerate(self.widths):
            x = Hidden(dense(width), False, name=f"hidden_{i}")(x)
        x = nn.Dense(math.prod(self.shape), name="output")(x)
        return x.reshape(-1, *self.shape)


def mlp_encoder(
    latent_dim: int,
    widths: Sequence[int] = (500,),
    *,
    shape: Sequence[int] = (28, 28, 1),
    full_scale: bool = False,
) -> Network:
    """Build a fully connected encoder with leaky ReLUs; `apply` returns `Heads`.

    Args:
        latent_dim: number of latent dimensions.
        widths: hidden widths; without any, both heads are affine in the example.
        shape: shape of one example.
        full_scale: whether the scale of each example is a matrix.

    Raises:
        ValueError: if a width or a dimension is below 1.
    """
    require_positive(latent_dim=(latent_dim,), widths=widths, shape=shape)
    examples = jax.ShapeDtypeStruct((1, *shape), jnp.float32)
    return bind(_MLPEncoder(latent_dim, tuple(widths), full_scale), examples)


def mlp_decoder(
    latent_dim: int,
    widths: Sequence[int] = (500,),
    *,
    shape: Sequence[int] = (28, 28, 1),
) -> Network:
    """Build a fully connected decoder with leaky ReLUs; its outputs are not bounded.

    The likelihood takes them as logits or as means.

    Args:
        latent_dim: number of latent dimensions.
        widths: hidden widths; without any, the decoder is affine.
        shape: shape of one example.

    Raises:
        ValueError: if a width or a dimension is below 1.
    """
    require_positive(latent_dim=(latent_dim,), widths=widths, shape=shape)
    latents = jax.ShapeDtypeStruct((1, latent_dim), jnp.float32)
    return bind(_MLPDecoder(tuple(widths), tuple(shape)), latents)
