"""The 4 × 4 convolution of stride 2 and its adjoint, fast in derivatives of any order.

A convolution is linear in its images and in its kernel. So are the two products that
its derivatives need: the adjoint in the images, which is the transposed convolution,
and the adjoint in the kernel. Each derivative of one of the three is another of the
three, and each is a convolution that XLA computes near the speed of a matrix product.
XLA's own derivatives of derivatives, which a gradient penalty takes, are convolutions
in layouts that its processor back end computes a hundred times slower.
"""

from collections.abc import Callable
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
from flax.linen.dtypes import promote_dtype
from jax.core import ShapedArray
from jax.extend.core import Primitive
from jax.interpreters import ad, batching, mlir
from jaxtyping import Array, Float

Images = Float[Array, "batch height width channels"]
Halved = Float[Array, "batch half_height half_width features"]
Kernel = Float[Array, "4 4 channels features"]
Padding = tuple[tuple[int, int], tuple[int, int]]

SIZE = 4
"""Height and width of a kernel."""


def convolve(images: Images, kernel: Kernel) -> Halved:
    """Return the convolution of stride 2, images padded by a pixel of 0 on each side.

    It is `flax.linen.Conv` with a 4 × 4 kernel and "SAME" padding.

    Raises:
        ValueError: if height or width is odd.
    """
    _, height, width, _ = images.shape
    if height % 2 or width % 2:
        raise ValueError(f"expected even height and width, got {height} and {width}")
    return _convolve.bind(images, kernel)


def transpose_convolve(halved: Halved, kernel: Kernel) -> Images:
    """Return the adjoint of `convolve` in the images, which doubles height and width.

    ⟨convolve(x, k), y⟩ = ⟨x, transpose_convolve(y, k)⟩.
    """
    return _transpose.bind(halved, kernel)


def _forward(images: Array, kernel: Array) -> Array:
    return _canonical(images, kernel, ((1, 1), (1, 1)), stride=2)


def _backward(halved: Array, kernel: Array) -> Array:
    flipped = jnp.flip(kernel, (0, 1)).swapaxes(2, 3)
    return _canonical(halved, flipped, ((2, 2), (2, 2)), spread_images=2)


def _to_kernel(images: Array, halved: Array) -> Array:
    # The batch is what is summed over, so it takes the place of the channels.
    of_channels = images.transpose(3, 1, 2, 0)
    as_kernel = halved.transpose(1, 2, 0, 3)
    found = _canonical(of_channels, as_kernel, ((1, 1), (1, 1)), spread_kernel=2)
    return found.transpose(1, 2, 0, 3)


def _canonical(
    images: Array,
    kernel: Array,
    padding: Padding,
    *,
    stride: int = 1,
    spread_images: int = 1,
    spread_kernel: int = 1,
) -> Array:
    """Convolve in the one layout that is fast inside a compiled loop, too.

    XLA's processor back end brings the other layouts into this one, but only where they
    are not inside a loop.
    """
    return jax.lax.conv_general_dilated(
        images,
        kernel,
        (stride, stride),
        padding,
        lhs_dilation=(spread_images, spread_images),
        rhs_dilation=(spread_kernel, spread_kernel),
        dimension_numbers=("NHWC", "HWIO", "NHWC"),
    )


def _bilinear(
    name: str, compute: Callable[[Array, Array], Array], *, with_kernel: bool
) -> Primitive:
    """Make a primitive of a function that is linear in each of its two arguments.

    Args:
        name: shown in jaxprs.
        compute: the function.
        with_kernel: whether the second argument is a kernel, and the first a batch.
    """

    def abstract(one: Any, other: Any) -> ShapedArray:
        out = jax.eval_shape(compute, one, other)
        return ShapedArray(out.shape, out.dtype)

    def batch(arguments: tuple[Array, Array], axes: tuple[int | None, int | None]):
        one, other = (
            a if axis is None else jnp.moveaxis(a, axis, 0)
            for a, axis in zip(arguments, axes, strict=True)
        )
        if axes[0] is None:
            return jax.lax.map(lambda b: primitive.bind(one, b), other), 0
        if axes[1] is None and with_kernel:  # one larger batch
            out = primitive.bind(one.reshape(-1, *one.shape[2:]), other)
            return out.reshape(*one.shape[:2], *out.shape[1:]), 0
        if axes[1] is None:
            return jax.lax.map(lambda a: primitive.bind(a, other), one), 0
        return jax.lax.map(lambda pair: primitive.bind(*pair), (one, other)), 0

    primitive = Primitive(name)
    primitive.def_impl(jax.jit(compute))
    primitive.def_abstract_eval(abstract)
    mlir.register_lowering(primitive, mlir.lower_fun(compute, multiple_results=False))
    batching.primitive_batchers[primitive] = batch
    return primitive


_convolve = _bilinear("halving_convolution", _forward, with_kernel=True)
_transpose = _bilinear("doubling_convolution", _backward, with_kernel=True)
_weigh = _bilinear("convolution_kernel", _to_kernel, with_kernel=False)

ad.defbilinear(
    _convolve,
    lambda out, images, kernel: _transpose.bind(out, kernel),
    lambda out, images, kernel: _weigh.bind(images, out),
)
ad.defbilinear(
    _transpose,
    lambda out, halved, kernel: _convolve.bind(out, kernel),
    lambda out, halved, kernel: _weigh.bind(out, halved),
)
ad.defbilinear(
    _weigh,
    lambda out, images, halved: _transpose.bind(halved, out),
    lambda out, images, halved: _convolve.bind(images, out),
)


class _Layer(nn.Module):
    """The parameters of both layers, named and drawn as flax does."""

    features: int
    use_bias: bool = True

    def weights(self, x: Array) -> tuple[Array, Array, Array | None]:
        """Return the inputs, the kernel and the bias in one precision."""
        shape = (SIZE, SIZE, x.shape[-1], self.features)
        kernel = self.param(
            "kernel", nn.initializers.lecun_normal(), shape, jnp.float32
        )
        bias = None
        if self.use_bias:
            bias = self.param(
                "bias", nn.initializers.zeros, (self.features,), jnp.float32
            )
        x, kernel, bias = promote_dtype(x, kernel, bias)
        return x, kernel, bias


class Conv(_Layer):
    """A 4 × 4 convolution that halves the image: `flax.linen.Conv`, faster to train."""

    @nn.compact
    def __call__(self, x: Array) -> Array:  # noqa: D102
        x, kernel, bias = self.weights(x)
        return _add(convolve(x, kernel), bias)


class ConvTranspose(_Layer):
    """A 4 × 4 transposed convolution that doubles it: `flax.linen.ConvTranspose`."""

    @nn.compact
    def __call__(self, x: Array) -> Array:  # noqa: D102
        x, kernel, bias = self.weights(x)
        # flax's kernel maps inputs to outputs, and is not flipped.
        adjoint = jnp.flip(kernel, (0, 1)).swapaxes(2, 3)
        return _add(transpose_convolve(x, adjoint), bias)


def _add(x: Array, bias: Array | None) -> Array:
    return x if bias is None else x + bias.reshape(1, 1, 1, -1)
