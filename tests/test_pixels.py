"""Pixels and the units of networks."""

import jax.numpy as jnp
import numpy as np

from jaxgan import pixels


def test_pixels_are_scaled_and_points_are_not():
    points = jnp.linspace(0.0, 1.0, 4)[:, None]
    scaled = pixels.as_inputs(jnp.array([0, 51, 255], jnp.uint8))
    np.testing.assert_allclose(scaled, [-1, -0.6, 1], atol=1e-7)
    assert pixels.as_inputs(points) is points
