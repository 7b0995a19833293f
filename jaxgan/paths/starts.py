"""The paths that a minimisation begins with, and the curvature of the metric there."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from jaxgan.paths.conformal import MetricFamily
from jaxgan.paths.curves import line, midpoints
from jaxgan.paths.laplacian import Curvature, decompose
from jaxgan.types import Latents, PRNGKey

SAMPLED = 4
"""Number of points of a path over which the curvature of a metric is averaged."""
BEND = 0.25
"""Root mean square norm of the first bow, in units of the codes' distance."""
BOWS = 3
"""Number of bows of a start, sines of 1, 2 and 3 half-waves along the straight line."""


def draw_bows(
    key: PRNGKey | None,
    codes_a: Array,
    num_starts: int,
    first_pair: int | Int[Array, ""],
) -> Float[Array, "pairs starts bows latent"]:
    """Return the amplitudes of the bows of every start.

    A *bow* is a sine by which a start deviates from the straight line; its amplitude is
    in units of the distance of the two codes. The first start of each pair is the
    straight line itself.

    Args:
        key: of the amplitudes; None if there is one start only.
        codes_a: first code of each pair.
        num_starts: number of starts of each pair.
        first_pair: number of the first pair. Amplitudes depend only on the key, the
            number of the pair and the number of the start.
    """
    pairs, latent_dim = codes_a.shape
    if key is None:
        return jnp.zeros((pairs, 1, BOWS, latent_dim), codes_a.dtype)

    sizes = BEND / np.sqrt(latent_dim) / np.arange(1, BOWS + 1)
    sizes = jnp.asarray(sizes, codes_a.dtype)[:, None]

    def one(pair: Array, start: Array) -> Array:
        own = jax.random.fold_in(jax.random.fold_in(key, pair), start)
        drawn = jax.random.normal(own, (BOWS, latent_dim), codes_a.dtype)
        return jnp.where(start == 0, 0.0, drawn * sizes)

    first = jnp.asarray(first_pair)
    numbers = first + jnp.arange(pairs, dtype=first.dtype)
    return jax.vmap(lambda p: jax.vmap(lambda s: one(p, s))(jnp.arange(num_starts)))(
        numbers
    )


def starting_paths(
    codes_a: Latents,
    codes_b: Latents,
    segments: int,
    bows: Float[Array, "pairs s b latent"],
) -> Float[Array, "pairs s knots latent"]:
    """Return for each pair the straight line with the bows of each start added."""
    paths = jax.vmap(lambda a, b: line(a, b, segments))(codes_a, codes_b)
    distances = jnp.linalg.norm(codes_b - codes_a, axis=1)
    orders = jnp.arange(1, BOWS + 1, dtype=codes_a.dtype)[:, None]
    times = jnp.linspace(0, 1, segments + 1, dtype=codes_a.dtype)[None]
    sines = jnp.sin(jnp.pi * orders * times).at[:, -1].set(0)
    bent = jnp.einsum("psbd,bk->pskd", bows, sines)
    return paths[:, None] + distances[:, None, None, None] * bent


def curvatures(
    metrics: MetricFamily | None,
    paths: Float[Array, "pairs knots latent"],
    items: Any,
) -> Curvature:
    """Return each pair's curvature, averaged over points spread along its path.

    Args:
        metrics: of the pairs; None: zero curvature.
        paths: one for each pair.
        items: of each pair.
    """
    pairs, knots, latent_dim = paths.shape
    if metrics is None or metrics.hessian is None:
        identity = jnp.eye(latent_dim, dtype=paths.dtype)
        every = jnp.zeros((pairs, latent_dim), paths.dtype)
        return Curvature(every, jnp.broadcast_to(identity, (pairs, *identity.shape)))
    sampled = (2 * np.arange(SAMPLED) + 1) * (knots - 1) // (2 * SAMPLED)

    def one(pair: tuple[Array, Any]) -> Array:
        path, item = pair
        return metrics.curvature(item, midpoints(path)[sampled])

    return jax.vmap(decompose)(jax.lax.map(one, (paths, items)))
