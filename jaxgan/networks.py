"""Generators and critics as pairs of pure functions; the only file that uses flax.

Batch-normalisation keeps no running state: a generator in training normalises by
the batch at hand, and a finished one is folded into plain affine layers.
"""

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, TypeAlias

import flax.linen as nn
import jax
import jax.numpy as jnp

from jaxgan.types import Examples, Latents, Params, PRNGKey

Activation: TypeAlias = Callable[[jax.Array], jax.Array]

EPSILON = 1e-5
"""Added to the variance in batch-normalisation."""


class Network(NamedTuple):
    """A network as two pure functions.

    Attributes:
        init: `init(key) -> params`.
        apply: `apply(params, inputs) -> outputs`, on a batch.
    """

    init: Callable[[PRNGKey], Params]
    apply: Callable[[Params, Any], Any]


class Generator(NamedTuple):
    """A network from latents to examples that may normalise over its batch.

    Attributes:
        init: `init(key) -> params`.
        apply: `apply(params, latents) -> examples`.
        latent_dim: number of latent dimensions.
        fold: `fold(params, latents) -> (network, params)`: the generator without
            batch-normalisation, its statistics taken over `latents` and multiplied
            into the weights. On exactly these latents both compute the same.
    """

    init: Callable[[PRNGKey], Params]
    apply: Callable[[Params, Latents], Examples]
    latent_dim: int
    fold: Callable[[Params, Latents], tuple[Network, Params]]


def leaky_relu(x: jax.Array) -> jax.Array:
    """Leaky rectifier with slope 0.2 for negative inputs."""
    return nn.leaky_relu(x, 0.2)


class _BatchNorm(nn.Module):
    """Normalisation by the mean and variance of the batch, for each channel."""

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        channels = (1,) * (x.ndim - 1) + x.shape[-1:]
        scale = self.param("scale", nn.initializers.ones, x.shape[-1:])
        bias = self.param("bias", nn.initializers.zeros, x.shape[-1:])
        axes = tuple(range(x.ndim - 1))
        mean = jnp.mean(x, axes, keepdims=True)
        centred = x - mean
        variance = jnp.mean(centred * centred, axes, keepdims=True)
        self.sow("statistics", "mean", mean.reshape(-1))
        self.sow("statistics", "variance", variance.reshape(-1))
        gain = scale.reshape(channels) * jax.lax.rsqrt(variance + EPSILON)
        return centred * gain + bias.reshape(channels)


class _Hidden(nn.Module):
    """An affine layer, batch-normalised or with a bias, and a leaky ReLU."""

    layer: Callable[..., nn.Module]
    normalise: bool

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        x = self.layer(use_bias=not self.normalise, name="affine")(x)
        if self.normalise:
            x = _BatchNorm(name="norm")(x)
        return leaky_relu(x)


def _dense(features: int) -> Callable[..., nn.Module]:
    return lambda **options: nn.Dense(features, **options)


def _conv(features: int) -> Callable[..., nn.Module]:
    return lambda **options: nn.Conv(features, (4, 4), (2, 2), **options)


def _conv_transpose(features: int) -> Callable[..., nn.Module]:
    return lambda **options: nn.ConvTranspose(features, (4, 4), (2, 2), **options)


class _MLPGenerator(nn.Module):
    widths: Sequence[int]
    shape: Sequence[int]
    output: Activation
    normalise: bool

    @nn.compact
    def __call__(self, latents: jax.Array) -> jax.Array:
        x = latents
        for i, width in enumerate(self.widths):
            x = _Hidden(_dense(width), self.normalise and i > 0, name=f"hidden_{i}")(x)
        x = nn.Dense(math.prod(self.shape), name="output")(x)
        return self.output(x).reshape(-1, *self.shape)


class _ConvGenerator(nn.Module):
    width: int
    channels: Sequence[int]
    normalise: bool

    @nn.compact
    def __call__(self, latents: jax.Array) -> jax.Array:
        first, second = self.channels
        x = _Hidden(_dense(self.width), False, name="hidden_0")(latents)
        x = _Hidden(_dense(7 * 7 * first), self.normalise, name="hidden_1")(x)
        x = x.reshape(-1, 7, 7, first)
        x = _Hidden(_conv_transpose(second), self.normalise, name="hidden_2")(x)
        return jnp.tanh(nn.ConvTranspose(1, (4, 4), (2, 2), name="output")(x))


class _MLPCritic(nn.Module):
    widths: Sequence[int]

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        x = x.reshape(x.shape[0], -1)
        for i, width in enumerate(self.widths):
            x = _Hidden(_dense(width), False, name=f"hidden_{i}")(x)
        return nn.Dense(1, name="output")(x)[:, 0]


class _ConvCritic(nn.Module):
    channels: Sequence[int]
    width: int

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        for i, channels in enumerate(self.channels):
            x = _Hidden(_conv(channels), False, name=f"hidden_{i}")(x)
        x = x.reshape(x.shape[0], -1)
        x = _Hidden(_dense(self.width), False, name=f"hidden_{len(self.channels)}")(x)
        return nn.Dense(1, name="output")(x)[:, 0]


def _bind(module: nn.Module, inputs: jax.ShapeDtypeStruct) -> Network:
    def init(key: PRNGKey) -> Params:
        return module.init(key, jnp.zeros(inputs.shape, inputs.dtype))["params"]

    def apply(params: Params, x: jax.Array) -> Any:
        return module.apply({"params": params}, x)

    return Network(init, apply)


def _generator(
    module: Callable[[bool], nn.Module], batch_norm: bool, latent_dim: int
) -> Generator:
    """Bind `module(normalise)`, and the folding of one form into the other."""
    if latent_dim < 1:
        raise ValueError(f"latent_dim must be at least 1, got {latent_dim}")
    latents = jax.ShapeDtypeStruct((1, latent_dim), jnp.float32)
    init, apply = _bind(module(batch_norm), latents)
    plain = _bind(module(False), latents)

    def fold(params: Params, latents: Latents) -> tuple[Network, Params]:
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
        return plain, folded

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
        batch_norm: False gives the plain network that folding leads to.

    Raises:
        ValueError: if a width or a dimension is below 1.
    """
    _require_positive(widths=widths, shape=shape)

    def module(normalise: bool) -> nn.Module:
        return _MLPGenerator(tuple(widths), tuple(shape), output, normalise)

    return _generator(module, batch_norm, latent_dim)


def mlp_critic(
    widths: Sequence[int] = (512, 256), *, shape: Sequence[int] = (28, 28, 1)
) -> Network:
    """Build a fully connected critic: leaky ReLU, no normalisation, one score each.

    Args:
        widths: hidden widths.
        shape: shape of one example.

    Raises:
        ValueError: if a width or a dimension is below 1.
    """
    _require_positive(widths=widths, shape=shape)
    examples = jax.ShapeDtypeStruct((1, *shape), jnp.float32)
    return _bind(_MLPCritic(tuple(widths)), examples)


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
    batch-normalised, all are followed by a leaky ReLU, the output by tanh. Meant for
    accelerators: XLA's convolutions are slow on CPUs.

    Raises:
        ValueError: if a width is below 1.
    """
    _require_positive(width=(width,), channels=channels)

    def module(normalise: bool) -> nn.Module:
        return _ConvGenerator(width, channels, normalise)

    return _generator(module, batch_norm, latent_dim)


def conv_critic(channels: Sequence[int] = (64, 128), *, width: int = 1024) -> Network:
    """Build a critic of 28×28 images: stride-2 convolutions, a dense layer, one score.

    Raises:
        ValueError: if a width is below 1.
    """
    _require_positive(channels=channels, width=(width,))
    images = jax.ShapeDtypeStruct((1, 28, 28, 1), jnp.float32)
    return _bind(_ConvCritic(tuple(channels), width), images)


def _require_positive(**sizes: Sequence[int]) -> None:
    for name, values in sizes.items():
        if any(value < 1 for value in values):
            raise ValueError(f"{name} must be at least 1, got {tuple(values)}")
