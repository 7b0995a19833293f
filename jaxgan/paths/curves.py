"""Paths as arrays of knots: lines, arcs, refinement, and midpoints of segments.

A path of N segments consists of N + 1 codes, its *knots*.
"""

import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxgan.types import Latent, Latents

Path = Float[Array, "knots latent"]


def line(start: Latent, end: Latent, segments: int) -> Path:
    """Return the straight line, with knots at equal distances."""
    times = jnp.linspace(0, 1, segments + 1, dtype=start.dtype)[:, None]
    return start[None] * (1 - times) + end[None] * times


def slerp(start: Latent, end: Latent, segments: int) -> Path:
    """Return the spherical interpolation (White 2016, arXiv:1609.04468).

    The direction turns at constant speed, and the norm changes at constant speed. Codes
    in opposite directions have no such path, and the knots between them are NaN.
    """
    length_a, length_b = jnp.linalg.norm(start), jnp.linalg.norm(end)
    a, b = start / length_a, end / length_b
    # Accurate at every angle, in contrast to the arc cosine.
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
    """Return the path with each segment halved.

    A new knot lies on the cubic through the four knots around it, so that the error on
    a smooth path is of fourth order; midpoints would make one of second order. Paths of
    one or two segments are too short for a cubic and get midpoints.
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
    """Return the same polygon with each segment cut into equal parts."""
    shares = (jnp.arange(parts, dtype=path.dtype) / parts)[None, :, None]
    cut = path[:-1, None] * (1 - shares) + path[1:, None] * shares
    return jnp.concatenate([cut.reshape(-1, path.shape[1]), path[-1:]])


def midpoints(path: Path) -> Latents:
    """Return the midpoint of each segment."""
    return (path[1:] + path[:-1]) / 2
