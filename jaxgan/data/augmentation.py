"""Small random distortions of an image, which do not change its class."""

import jax
import jax.numpy as jnp
from jax.scipy.ndimage import map_coordinates
from jaxtyping import Array, Float

from jaxgan.types import PRNGKey

Matrix = Float[Array, "2 2"]


def affine(
    image: Float[Array, "height width channels"],
    matrix: Matrix,
    shift: Float[Array, "2"],
    *,
    background: float = -1.0,
) -> Float[Array, "height width channels"]:
    """Return an image resampled by an affine map.

    Pixel p gets the value at `matrix @ (p - centre) + centre + shift`, by bilinear
    interpolation; outside of the image that is `background`.
    """
    height, width, _ = image.shape
    centre = jnp.array([(height - 1) / 2, (width - 1) / 2])
    rows, columns = jnp.meshgrid(
        jnp.arange(height, dtype=jnp.float32),
        jnp.arange(width, dtype=jnp.float32),
        indexing="ij",
    )
    points = jnp.stack([rows.ravel(), columns.ravel()], 1) - centre[None]
    sources = points @ matrix.T + (centre + shift)[None]

    def resample(channel: jax.Array) -> jax.Array:
        coordinates = [sources[:, 0], sources[:, 1]]
        return map_coordinates(channel, coordinates, 1, cval=background)

    values = jax.vmap(resample, in_axes=2, out_axes=1)(image)
    return values.reshape(image.shape)


def random_affine(
    key: PRNGKey,
    image: Float[Array, "height width channels"],
    *,
    max_angle: float = 0.2,
    max_log_scale: float = 0.12,
    max_shear: float = 0.2,
    max_shift: float = 2.5,
    background: float = -1.0,
) -> Float[Array, "height width channels"]:
    """Return an image rotated, scaled, sheared and shifted by uniform random amounts.

    Args:
        key: of this image.
        image: the image to distort.
        max_angle: largest rotation to either side, in radians.
        max_log_scale: largest change of the logarithm of each axis's scale.
        max_shear: largest sideways shift from top to bottom, over the height.
        max_shift: largest shift along each axis, in pixels.
        background: value outside of the image.
    """
    key_1, key_2 = jax.random.split(key)
    angle, log_y, log_x, shear = jax.random.uniform(key_1, (4,), minval=-1.0)
    shift = max_shift * jax.random.uniform(key_2, (2,), minval=-1.0)
    cosine, sine = jnp.cos(max_angle * angle), jnp.sin(max_angle * angle)
    rotation = jnp.array([[cosine, -sine], [sine, cosine]])
    stretch = jnp.diag(jnp.exp(max_log_scale * jnp.stack([log_y, log_x])))
    slant = jnp.array([[1.0, 0.0], [0.0, 1.0]]).at[1, 0].set(max_shear * shear)
    return affine(image, rotation @ slant @ stretch, shift, background=background)
