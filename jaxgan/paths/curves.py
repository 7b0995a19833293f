"""Paths as arrays of knots: simple ones, finer ones, and points along them."""

import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxgan.types import Latent, Latents

Path = Float[Array, "knots latent"]


def line(start: Latent, end: Latent, segments: int) -> Path:
    """Straight line."""
    times = jnp.linspace(0, 1, segments + 1, dtype=start.dtype)[:, None]
    return start[None] * (1 - times) + end[None] * times


def slerp(start: Latent, end: Latent, segments: int) -> Path:
    """Spherical interpolation (White 2016, arXiv:1609.04468).

    The directions turn at constant speed; so do the norms grow. Codes in opposite
    directions have no such path: it is not finite.
    """
    length_a, length_b = jnp.linalg.norm(start), jnp.linalg.norm(end)
    a, b = start / length_a, end / length_b
    # Accurate at every angle, unlike the arc cosine.
    half = jnp.arctan2(jnp.linalg.norm(a - b), jnp.linalg.norm(a + b))
    times = jnp.linspace(0, 1, segments + 1, dtype=start.dtype)
    sine = jnp.sin(2 * half)
    parallel = sine == 0
    safe = jnp.where(parallel, 1.0, sine)
    from_a = jnp.where(parallel, 1 - times, jnp.sin(2 * half * (1 - times)) / safe)
    from_b = jnp.where(parallel, times, jnp.sin(2 * half * times) / safe)
    lengths = length_a * (1 - times) + length_b * times
    turned = from_a[:, None] * a[None] + from_b[:, None] * b[None]
    opposite = half > (jnp.pi / 2) * (1 - 8 * jnp.finfo(start.dtype).eps)
    path = jnp.where(opposite, jnp.nan, lengths[:, None] * turned)
    return path.at[0].set(start).at[-1].set(end)


def prolong(path: Path) -> Float[Array, "finer latent"]:
    """Halve each segment: new knots on the cubic through the four around them.

    On a smooth path the error is of fourth order, and of the second with the middles.
    Two segments are too few: they are halved in their middles.
    """
    if len(path) < 4:
        new = midpoints(path)
    else:
        before = 4 * path[:1] - 6 * path[1:2] + 4 * path[2:3] - path[3:4]
        after = 4 * path[-1:] - 6 * path[-2:-1] + 4 * path[-3:-2] - path[-4:-3]
        wide = jnp.concatenate([before, path, after])
        new = (9 * (wide[1:-2] + wide[2:-1]) - wide[:-3] - wide[3:]) / 16
    both = jnp.stack([path[:-1], new], 1).reshape(-1, path.shape[1])
    return jnp.concatenate([both, path[-1:]])


def subdivide(path: Path, parts: int) -> Float[Array, "finer latent"]:
    """Cut each segment of the polygon into equal parts."""
    shares = (jnp.arange(parts, dtype=path.dtype) / parts)[None, :, None]
    cut = path[:-1, None] * (1 - shares) + path[1:, None] * shares
    return jnp.concatenate([cut.reshape(-1, path.shape[1]), path[-1:]])


def midpoints(path: Path) -> Latents:
    """Middle of each segment."""
    return (path[1:] + path[:-1]) / 2
