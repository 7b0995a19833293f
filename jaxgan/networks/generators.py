"""Generators, from latents to examples, and how they are folded into plain networks."""

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp

from jaxgan.networks.convolutions import ConvTranspose
from jaxgan.networks.layers import (
    EPSILON,
    Activation,
    Hidden,
    Network,
    bind,
    conv_transpose,
    dense,
    require_positive,
)
from jaxgan.types import Examples, Latents, Params, PRNGKey


class Generator(NamedTuple):
    """A network from latents to examples that may normalise over its batch.

    Attributes:
        init: `init(key) -> params`.
        apply: `apply(params, latents) -> examples`.
        latent_dim: number of latent dimensions.
        fold: `fold(params, latents) -> (network, params)`: the generator without
            batch-normalisation; the mean and variance of each channel over `latents`
            become part of the weights. On this batch of latents both compute the same.
    """

    init: Callable[[PRNGKey], Params]
    apply: Callable[[Params, Latents], Examples]
    latent_dim: int
    fold: Callable[[Params, Latents], tuple[Network, Params]]


class _MLPGenerator(nn.Module):
    widths: Sequence[int]
    shape: Sequence[int]
    output: Activation
    normalise: bool

    @nn.compact
    def __call__(self, latents: jax.Array) -> jax.Array:
        x = latents
        for i, width in enumerate(self.widths):
            x = Hidden(dense(width), self.normalise and i > 0, name=f"hidden_{i}")(x)
        x = nn.Dense(math.prod(self.shape), name="output")(x)
        return self.output(x).reshape(-1, *self.shape)


class _ConvGenerator(nn.Module):
    width: int
    channels: Sequence[int]
    normalise: bool

    @nn.compact
    def __call__(self, latents: jax.Array) -> jax.Array:
        first, second = self.channels
        x = Hidden(dense(self.width), False, name="hidden_0")(latents)
        x = Hidden(dense(7 * 7 * first), self.normalise, name="hidden_1")(x)
        x = x.reshape(-1, 7, 7, first)
        x = Hidden(conv_transpose(second), self.normalise, name="hidden_2")(x)
        return jnp.tanh(ConvTranspose(1, name="output")(x))


def _generator(
    module: Callable[[bool], nn.Module], batch_norm: bool, latent_dim: int
) -> Generator:
    """Return the generator that `module(normalise)` builds, normalised or not."""
    if latent_dim < 1:
        raise ValueError(f"latent_dim must be at least 1, got {latent_dim}")
    latents = jax.ShapeDtypeStruct((1, latent_dim), jnp.float32)
    init, apply = bind(module(batch_norm), latents)
    plain = bind(module(False), latents)

    @jax.jit
    def folded_weights(params: Params, latents: Latents) -> Params:
        sown: Any = module(batch_norm).apply(
            {"params": params}, latents, mutable=["statistics"]
        )[1]
        statistics = sown.get("statistics", {})
        folded = dict(params)
        for name, of_layer in statistics.items():
            mean, variance = (of_layer["norm"][s][0] for s in ("mean", "variance"))
            norm, kernel = params[name]["norm"], params[name]["affine"]["kernel"]
            gain = norm["scale"] * jax.lax.rsqrt(variance + EPSILON)
            bias = norm["bias"] - mean * gain
            columns = gain.reshape((1,) * (kernel.ndim - 1) + gain.shape)
            folded[name] = {"affine": {"kernel": kernel * columns, "bias": bias}}
        return folded

    def fold(params: Params, latents: Latents) -> tuple[Network, Params]:
        return plain, folded_weights(params, latents)

    return Generator(init, apply, latent_dim, fold)


def mlp_generator(
    latent_dim: int,
    widths: Sequence[int] = (128, 256, 512, 1024),
    *,
    shape: Sequence[int] = (28, 28, 1),
    output: Activation = jnp.tanh,
    batch_norm: bool = True,
) -> Generator:
    """Build a fully connected generator with leaky ReLU hidden layers.

    Args:
        latent_dim: number of latent dimensions.
        widths: hidden widths; all but the first layer are batch-normalised.
        shape: shape of one example.
        output: last activation; `jnp.tanh` for pixels in [-1, 1].
        batch_norm: False builds the plain network that folding leads to.

    Raises:
        ValueError: if a width or a dimension is below 1.
    """
    require_positive(widths=widths, shape=shape)

    def module(normalise: bool) -> nn.Module:
        return _MLPGenerator(tuple(widths), tuple(shape), output, normalise)

    return _generator(module, batch_norm, latent_dim)


def conv_generator(
    latent_dim: int,
    *,
    width: int = 1024,
    channels: tuple[int, int] = (128, 64),
    batch_norm: bool = True,
) -> Generator:
    """Build a generator of 28×28 images: two dense layers, two transposed convolutions.

    Latents pass a dense layer of `width`, one of 7·7·channels[0], and stride-2
    transposed convolutions 7→14→28; all hidden layers but the first are
    batch-normalised, all are followed by a leaky ReLU, the output by tanh.

    Raises:
        ValueError: if a width is below 1.
    """
    require_positive(width=(width,), channels=channels)

    def module(normalise: bool) -> nn.Module:
        return _ConvGenerator(width, channels, normalise)

    return _generator(module, batch_norm, latent_dim)
