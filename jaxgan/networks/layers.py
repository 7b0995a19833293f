"""What networks are built of: layers, and flax modules as pairs of pure functions."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp

from jaxgan.networks.convolutions import Conv, ConvTranspose
from jaxgan.networks.finished import Kink
from jaxgan.types import Params, PRNGKey

EPSILON = 1e-5
"""Added to the variance in batch-normalisation."""

NEGATIVE_SLOPE = 0.2
"""Slope of every leaky ReLU for negative inputs."""


class Network(NamedTuple):
    """A network as two pure functions.

    Attributes:
        init: `init(key) -> params`.
        apply: `apply(params, inputs) -> outputs`, on a batch.
    """

    init: Callable[[PRNGKey], Params]
    apply: Callable[[Params, Any], Any]


def leaky_relu(x: jax.Array) -> jax.Array:
    """Return x where it is positive, else `NEGATIVE_SLOPE` · x."""
    return nn.leaky_relu(x, NEGATIVE_SLOPE)


class BatchNorm(nn.Module):
    """Normalisation by the mean and variance of the batch, for each channel.

    Raises:
        ValueError: if the batch has one row, which would become zero whatever it is.
    """

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:  # noqa: D102
        if len(x) < 2 and not self.is_initializing():
            raise ValueError(
                "batch-normalisation needs at least two rows, got "
                f"{len(x)}: fold the generator to generate one image at a time"
            )
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


class Hidden(nn.Module):
    """An affine layer, batch-normalised or with a bias, and its activation."""

    layer: Callable[..., nn.Module]
    normalise: bool

    @nn.compact
    def __call__(self, x: jax.Array, kink: Kink = leaky_relu) -> jax.Array:  # noqa: D102
        x = self.layer(use_bias=not self.normalise, name="affine")(x)
        if self.normalise:
            x = BatchNorm(name="norm")(x)
        return kink(x)


def dense(features: int) -> Callable[..., nn.Module]:
    """Return a constructor of fully connected layers."""
    return lambda **options: nn.Dense(features, **options)


def conv(features: int) -> Callable[..., nn.Module]:
    """Return a constructor of 4×4 convolutions that halve the image."""
    return lambda **options: Conv(features, **options)


def conv_transpose(features: int) -> Callable[..., nn.Module]:
    """Return a constructor of 4×4 transposed convolutions that double the image."""
    return lambda **options: ConvTranspose(features, **options)


def bind(module: nn.Module, inputs: jax.ShapeDtypeStruct, *others: Any) -> Network:
    """Return a flax module as two pure functions, for inputs of the given shape.

    It is called with the inputs and with `others`, which are not arrays.

    Its `init` is compiled: drawing the weights one by one takes twice as long. Its
    `apply` raises a `ValueError` if inputs are not floating-point numbers of this
    shape, in batches of any size.
    """

    @jax.jit
    def init(key: PRNGKey) -> Params:
        return module.init(key, jnp.zeros(inputs.shape, inputs.dtype), *others)[
            "params"
        ]

    def apply(params: Params, x: jax.Array) -> Any:
        shape = inputs.shape[1:]
        if x.shape[1:] != shape or not jnp.issubdtype(x.dtype, jnp.floating):
            wanted = ", ".join(map(str, ("n", *shape)))
            raise ValueError(
                f"the network takes floating-point numbers [{wanted}], got {x.dtype} "
                f"{list(x.shape)}"
            )
        return module.apply({"params": params}, x, *others)

    return Network(init, apply)


def require_positive(**sizes: Sequence[int]) -> None:
    """Raise a `ValueError` if one of the sizes is below 1."""
    for name, values in sizes.items():
        if any(value < 1 for value in values):
            raise ValueError(f"{name} must be at least 1, got {tuple(values)}")
