"""The three scales of pixels, and the ways between them.

On disk and on devices pixels are uint8 from 0 to 255. Networks see floats in [-1, 1].
Errors and distances are reported for pixels in [0, 1].

>>> import jax.numpy as jnp
>>> import numpy as np
>>> from jaxgan import pixels
>>> pixels.as_inputs(jnp.array([0, 255], jnp.uint8)).tolist()
[-1.0, 1.0]
>>> pixels.to_pixels(np.array([-1.0, 0.0, 1.0])).tolist()
[0, 128, 255]
>>> pixels.as_rows(np.array([[0, 255], [255, 255]], np.uint8)).tolist()
[[0.0, 1.0], [1.0, 1.0]]
>>> pixels.mean_input(np.array([[0, 255], [255, 255]], np.uint8)).tolist()
[0.0, 1.0]
"""

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Float32, Real, UInt8

__all__ = ["as_inputs", "as_rows", "mean_input", "to_pixels"]


def as_inputs(data: Real[Array, "*shape"]) -> Real[Array, "*shape"]:
    """Return uint8 pixels in [-1, 1]; other dtypes are in their own units already."""
    if data.dtype == jnp.uint8:
        return data.astype(jnp.float32) / 127.5 - 1
    return data


def mean_input(images: Real[np.ndarray, "n *shape"]) -> Float32[np.ndarray, "*shape"]:
    """Return the mean image, uint8 pixels in [-1, 1], others in their own units.

    It is summed in double precision.

    Raises:
        ValueError: if there are no images.
    """
    if not len(images):
        raise ValueError("there is no mean of no images")
    mean = np.asarray(images).mean(0, dtype=np.float64)
    if images.dtype == np.uint8:
        mean = mean / 127.5 - 1
    return mean.astype(np.float32)


def to_pixels(images: Float[np.ndarray, "*shape"]) -> UInt8[np.ndarray, "*shape"]:
    """Return images in [-1, 1] as 0 to 255, rounded; values outside are clipped."""
    return np.clip(np.round((images + 1) * 127.5), 0, 255).astype(np.uint8)


def as_rows(images: UInt8[np.ndarray, "n *shape"]) -> Float32[np.ndarray, "n pixels"]:
    """Return each image as a row of pixels in [0, 1], as distances take them."""
    return images.reshape(len(images), -1).astype(np.float32) / 255
