"""The convolutions that halve and double an image, beside flax's and XLA's own."""

import re

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgan import gan, networks, training
from jaxgan.networks.convolutions import (
    Conv,
    ConvTranspose,
    convolve,
    transpose_convolve,
)

KEY = jax.random.key(0)


@pytest.fixture
def in_double():
    with jax.enable_x64(True):
        yield


def draw(*shape, number=0):
    return jax.random.normal(jax.random.fold_in(KEY, number), shape)


def flax_convolve(images, kernel):
    layer = nn.Conv(kernel.shape[3], (4, 4), (2, 2), use_bias=False)
    return layer.apply({"params": {"kernel": kernel}}, images)


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize(
    ("ours", "flax"), [(Conv, nn.Conv), (ConvTranspose, nn.ConvTranspose)]
)
def test_the_layers_are_those_of_flax(ours, flax, bias):
    images = draw(3, 8, 6, 2)
    one = ours(5, use_bias=bias, name="layer")
    other = flax(5, (4, 4), (2, 2), use_bias=bias, name="layer")
    params = other.init(KEY, images)
    jax.tree.map(np.testing.assert_array_equal, one.init(KEY, images), params)
    params = jax.tree.map(lambda p: p + 0.1, params)
    np.testing.assert_allclose(
        one.apply(params, images), other.apply(params, images), rtol=1e-5, atol=1e-5
    )


def test_the_two_are_adjoint(in_double):
    images, kernel, halved = draw(2, 6, 4, 3), draw(4, 4, 3, 5), draw(2, 3, 2, 5)
    left = jnp.vdot(convolve(images, kernel), halved)
    right = jnp.vdot(images, transpose_convolve(halved, kernel))
    assert float(left) == pytest.approx(float(right), rel=1e-12)


def penalty(function):
    """Return a function of the gradient by the images, as a gradient penalty is one."""

    def value(images, kernel):
        slope = jax.grad(function)(images, kernel)
        return jnp.sum(jnp.sqrt(1 + slope * slope))

    return value


DERIVATIVES = {
    "gradient": lambda f: jax.grad(f, (0, 1)),
    "forward": lambda f: jax.jacfwd(f, (0, 1)),
    "backward over backward": lambda f: jax.grad(penalty(f), (0, 1)),
    "forward over forward": lambda f: jax.jacfwd(jax.jacfwd(f, 1), 0),
    "forward over backward": lambda f: jax.hessian(f, 1),
    "third": lambda f: jax.jacfwd(jax.grad(penalty(f), 1), 0),
}


@pytest.mark.parametrize("order", DERIVATIVES)
def test_derivatives_of_all_orders_are_those_of_xla(in_double, order):
    images, kernel = draw(2, 4, 4, 2), draw(4, 4, 2, 3, number=1)

    def through(layer):
        return lambda images, kernel: jnp.sum(jnp.tanh(layer(images, kernel)) ** 2)

    ours, xlas = (
        jax.jit(DERIVATIVES[order](through(layer)))(images, kernel)
        for layer in (convolve, flax_convolve)
    )
    jax.tree.map(
        lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-12), ours, xlas
    )


@pytest.mark.parametrize("axes", [(0, None), (None, 0), (0, 0), (2, 1)])
def test_vmap_is_a_loop_of_values_and_gradients(axes):
    images, kernel = draw(2, 4, 4, 2), draw(4, 4, 2, 3, number=1)
    scales = jnp.array([1.0, -0.5, 2.0])

    def many(array, axis):
        if axis is None:
            return array
        every = array[None] * scales.reshape(-1, *[1] * array.ndim)
        return jnp.moveaxis(every, 0, axis)

    def value(images, kernel):
        return jnp.sum(jnp.tanh(convolve(images, kernel)))

    step = jax.value_and_grad(value, (0, 1))
    given = many(images, axes[0]), many(kernel, axes[1])
    together = jax.vmap(step, axes)(*given)
    for number in range(3):
        one, other = (
            array if axis is None else jnp.take(array, number, axis)
            for array, axis in zip(given, axes, strict=True)
        )
        jax.tree.map(
            lambda all_, alone, n=number: np.testing.assert_allclose(
                all_[n], alone, rtol=1e-5, atol=1e-5
            ),
            together,
            step(one, other),
        )


def test_a_training_step_holds_only_convolutions_that_are_fast_inside_a_loop():
    """XLA's processor back end is a hundred times slower in every other layout."""
    wgan = gan.wgan_gp(
        networks.conv_generator(2, width=4, channels=(3, 2)),
        networks.conv_critic((2, 3), width=4),
    )
    images = jnp.zeros((8, 28, 28, 1), jnp.uint8)
    state = wgan.init(KEY)
    with jax.numpy_dtype_promotion("standard"):  # optax mixes types
        lowered = training.chunk.lower(wgan, state, images, 3, batch_size=4)
    text = str(lowered.compile().as_text())
    layouts = re.findall(r"convolution\(.*dim_labels=([^,\s]+)", text)
    assert len(layouts) > 10 and set(layouts) == {"b01f_01io->b01f"}


def test_an_odd_image_is_refused():
    with pytest.raises(ValueError, match="even height and width, got 7 and 8"):
        convolve(draw(1, 7, 8, 2), draw(4, 4, 2, 3))
