"""Pixels and the units of networks."""

import jax.numpy as jnp
import numpy as np
import pytest

from jaxgan import pixels


def test_pixels_are_scaled_and_points_are_not():
    points = jnp.linspace(0.0, 1.0, 4)[:, None]
    scaled = pixels.as_inputs(jnp.array([0, 51, 255], jnp.uint8))
    np.testing.assert_allclose(scaled, [-1, -0.6, 1], atol=1e-7)
    assert pixels.as_inputs(points) is points


def test_rows_are_pixels_from_0_to_1_in_the_order_of_the_images():
    images = np.arange(24, dtype=np.uint8).reshape(2, 3, 4, 1) * 11
    rows = pixels.as_rows(images)
    assert rows.dtype == np.float32
    np.testing.assert_array_equal(rows[1], images[1].ravel() / np.float32(255))


def test_the_mean_is_that_of_the_inputs():
    images = np.array([[0, 255], [255, 255], [0, 0]], np.uint8)
    mean = pixels.mean_input(images)
    assert mean.dtype == np.float32
    np.testing.assert_allclose(mean, [-1 / 3, 1 / 3], rtol=1e-6)
    own_units = np.array([[0.5, 2.0], [1.5, 4.0]], np.float32)
    np.testing.assert_array_equal(pixels.mean_input(own_units), [1.0, 3.0])
    # 2²⁴ + 1 is no number in single precision: a sum in it would stop growing there.
    white = np.full((1 << 17, 200), 255, np.uint8)
    np.testing.assert_array_equal(pixels.mean_input(white), np.ones(200))
    with pytest.raises(ValueError, match="no images"):
        pixels.mean_input(images[:0])
