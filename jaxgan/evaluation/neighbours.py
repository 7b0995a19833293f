"""Nearest neighbours by exhaustive search, in chunks of bounded memory.

A chunk of queries costs one matrix product with all references: 1,024 queries against
60,000 references hold about 250 MB at a time.
"""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

CHUNK = 1024
"""Queries at a time."""

Points = Float[Array | np.ndarray, "n d"]


def _squared_distances(
    query: Float[Array, "d"], references: Float[Array | np.ndarray, "m d"]
) -> Float[Array, "m"]:
    """Return squared distances, for a batch of queries by a matrix product."""
    square = jnp.sum(references * references, 1) - 2.0 * (references @ query)
    return jnp.maximum(square + jnp.sum(query * query), 0.0)


def _distance(a: Float[Array, "d"], b: Float[Array, "... d"]) -> Float[Array, "..."]:
    """Return distances from the difference, without cancellation."""
    difference = jnp.broadcast_to(a, b.shape) - b
    return jnp.sqrt(jnp.sum(difference * difference, -1))


@partial(jax.jit, static_argnames=("k", "chunk"))
def kth_distance(points: Points, k: int, *, chunk: int = CHUNK) -> Float[Array, "n"]:
    """Return the distance of each point to the k-th nearest of the others.

    Raises:
        ValueError: if there are no k others.
    """
    if not 1 <= k < len(points):
        raise ValueError(f"k must be from 1 to {len(points) - 1}, got {k}")
    points = points - jnp.mean(points, 0, keepdims=True)  # less cancellation
    numbers = jnp.arange(len(points))

    def radius(item):
        number, point = item
        squares = _squared_distances(point, points)
        squares = jnp.where(numbers == number, jnp.inf, squares)
        return jnp.max(_distance(point, points[jax.lax.top_k(-squares, k)[1]]))

    return jax.lax.map(radius, (numbers, points), batch_size=chunk)


@partial(jax.jit, static_argnames=("chunk",))
def balls_containing(
    queries: Points,
    centres: Float[Array | np.ndarray, "m d"],
    radii: Float[Array | np.ndarray, "m"],
    *,
    chunk: int = CHUNK,
) -> Int[Array, "n"]:
    """Return, for each query, how many of the balls around the centres it is in."""
    mean = jnp.mean(centres, 0, keepdims=True)
    queries, centres = queries - mean, centres - mean
    squares = radii * radii
    return jax.lax.map(
        lambda query: jnp.sum(_squared_distances(query, centres) <= squares),
        queries,
        batch_size=chunk,
    )


@partial(jax.jit, static_argnames=("chunk",))
def nearest(
    queries: Points, references: Float[Array | np.ndarray, "m d"], *, chunk: int = CHUNK
) -> tuple[Float[Array, "n"], Int[Array, "n"]]:
    """Return the distance of each query to the nearest reference, and its index."""
    mean = jnp.mean(references, 0, keepdims=True)
    queries, references = queries - mean, references - mean

    def one(query):
        index = jnp.argmin(_squared_distances(query, references))
        return _distance(query, references[index]), index

    return jax.lax.map(one, queries, batch_size=chunk)
