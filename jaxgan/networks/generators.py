"""Generators, from latents to examples, and how they are folded into plain networks."""

import functools
import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp

from jaxgan.networks.convolutions import ConvTranspose
from jaxgan.networks.finished import (
    TANH,
    FinishedGenerator,
    FinishedNetwork,
    Kink,
    Output,
)
from jaxgan.networks.layers import (
    EPSILON,
    NEGATIVE_SLOPE,
    Hidden,
    bind,
    conv_transpose,
    dense,
    leaky_relu,
    require_positive,
)
from jaxgan.networks.rounded import corner, smooth_network
from jaxgan.types import Examples, Latents, Params, PRNGKey


class Generator(NamedTuple):
    """A network from latents to examples that may normalise over its batch.

    Attributes:
        init: `init(key) -> params`.
        apply: `apply(params, latents) -> examples`.
        latent_dim: number of latent dimensions.
        fold: `fold(params, latents) -> finished generator`: without
            batch-normalisation; the mean and variance of each channel over `latents`
            become part of the weights. On this batch of latents both compute the same.
        plain: the network of the finished generator.
    """

    init: Callable[[PRNGKey], Params]
    apply: Callable[[Params, Latents], Examples]
    latent_dim: int
    fold: Callable[[Params, Latents], FinishedGenerator]
    plain: FinishedNetwork


class _MLPGenerator(nn.Module):
    widths: Sequence[int]
    shape: Sequence[int]
    normalise: bool

    @nn.compact
    def __call__(self, latents: jax.Array, kink: Kink = leaky_relu) -> jax.Array:
        x = latents
        for i, width in enumerate(self.widths):
            hidden = Hidden(dense(width), self.normalise and i > 0, name=f"hidden_{i}")
            x = hidden(x, kink)
        x = nn.Dense(math.prod(self.shape), name="output")(x)
        return x.reshape(-1, *self.shape)


class _ConvGenerator(nn.Module):
    width: int
    channels: Sequence[int]
    normalise: bool

    @nn.compact
    def __call__(self, latents: jax.Array, kink: Kink = leaky_relu) -> jax.Array:
        first, second = self.channels
        x = Hidden(dense(self.width), False, name="hidden_0")(latents, kink)
        x = Hidden(dense(7 * 7 * first), self.normalise, name="hidden_1")(x, kink)
        x = x.reshape(-1, 7, 7, first)
        x = Hidden(conv_transpose(second), self.normalise, name="hidden_2")(x, kink)
        return ConvTranspose(1, name="output")(x)


@functools.cache
def _generator(
    module: Callable[..., Any],
    sizes: tuple[Any, ...],
    batch_norm: bool,
    latent_dim: int,
    output: Output,
    corner_width: float = 0.0,
) -> Generator:
    """Return the generator of a flax module that computes logits.

    Equal arguments make the same generator, so that nothing is compiled twice for it.

    Args:
        module: `module(*sizes, normalise)` builds the network.
        sizes: of its layers.
        batch_norm: whether the network in training is batch-normalised.
        latent_dim: number of latent dimensions.
        output: makes images of logits.
        corner_width: of the rounded corners in place of kinks; 0 for kinks.
    """
    normalised, plain = module(*sizes, batch_norm), module(*sizes, False)
    latents = jax.ShapeDtypeStruct((1, latent_dim), jnp.float32)
    kink = leaky_relu
    if corner_width:
        kink = corner(NEGATIVE_SLOPE, corner_width)
    init, logits = bind(normalised, latents, kink)

    def apply(params: Params, latents: Latents) -> Examples:
        return output.function(logits(params, latents))

    def finished_logits(params: Params, latents: Latents, kink: Kink) -> Examples:
        return plain.apply({"params": params}, latents, kink)

    network = FinishedNetwork(finished_logits, latent_dim, output, NEGATIVE_SLOPE)
    if corner_width:
        network = smooth_network(network, NEGATIVE_SLOPE, corner_width)

    @jax.jit
    def folded_weights(params: Params, latents: Latents) -> Params:
        sown: Any = normalised.apply(
            {"params": params}, latents, kink, mutable=["statistics"]
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

    def fold(params: Params, latents: Latents) -> FinishedGenerator:
        return FinishedGenerator(network, folded_weights(params, latents))

    return Generator(init, apply, latent_dim, fold, network)


def mlp_generator(
    latent_dim: int,
    widths: Sequence[int] = (128, 256, 512, 1024),
    *,
    shape: Sequence[int] = (28, 28, 1),
    output: Output = TANH,
    batch_norm: bool = True,
    corner_width: float = 0.0,
) -> Generator:
    """Build a fully connected generator with leaky ReLU hidden layers.

    Args:
        latent_dim: number of latent dimensions.
        widths: hidden widths; all but the first layer are batch-normalised.
        shape: shape of one example.
        output: last activation; the default makes pixels in [-1, 1].
        batch_norm: False builds the plain network that folding leads to.
        corner_width: 0 for leaky ReLUs with a kink; otherwise they have rounded corners
            of this width, in units of their inputs, and the generator is smooth.

    Raises:
        ValueError: if a width or a dimension is below 1, or `corner_width` is negative
            or not finite.
    """
    require_positive(latent_dim=(latent_dim,), widths=widths, shape=shape)
    if not 0 <= corner_width < math.inf:
        raise ValueError(f"corner_width must be ≥ 0 and finite, got {corner_width}")
    sizes = tuple(widths), tuple(shape)
    return _generator(
        _MLPGenerator, sizes, batch_norm, latent_dim, output, corner_width
    )


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
    require_positive(latent_dim=(latent_dim,), width=(width,), channels=channels)
    sizes = width, tuple(channels)
    return _generator(_ConvGenerator, sizes, batch_norm, latent_dim, TANH)
