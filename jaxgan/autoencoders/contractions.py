"""Affine maps e → m + S e with ‖S‖ < 1, and the truncation of their compositions."""

import math
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from jaxgan.types import Latents, Scalar


class Maps(NamedTuple):
    """Affine maps of latent space, one for each example.

    Attributes:
        locations: m, the image of the origin.
        scales: S, either a matrix or the diagonal of a diagonal one.
    """

    locations: Float[Array, "n latent"]
    scales: Float[Array, "n latent *columns"]


def apply(maps: Maps, points: Latents) -> Latents:
    """Return the image of each point under its map."""
    if maps.scales.ndim == points.ndim:
        return maps.locations + maps.scales * points
    return maps.locations + jnp.einsum("nij,nj->ni", maps.scales, points)


def compose(outer: Maps, inner: Maps) -> Maps:
    """Return the maps that apply first the inner and then the outer one."""
    if outer.scales.ndim == outer.locations.ndim:
        scales = outer.scales * inner.scales
    else:
        scales = outer.scales @ inner.scales
    return Maps(apply(outer, inner.locations), scales)


def take(maps: Maps, items: Int[Array, "k"]) -> Maps:
    """Return the maps with these numbers."""
    return Maps(maps.locations[items], maps.scales[items])


def shrinkage(maps: Maps) -> Float[Array, "n"]:
    """Return the operator norm of each scale.

    For diagonals it is induced by the largest coordinate, for matrices by the Euclidean
    norm.
    """
    if maps.scales.ndim == 2:
        return jnp.max(jnp.abs(maps.scales), 1)
    return jnp.linalg.norm(maps.scales, ord=2, axis=(1, 2))


def bounds(maps: Maps) -> Float[Array, "*coordinates"]:
    """Return a bound of how much any of the maps stretches.

    For diagonals it is one number for each coordinate, and for matrices their largest
    operator norm.
    """
    if maps.scales.ndim == 2:
        return jnp.max(jnp.abs(maps.scales), 0)
    return jnp.max(shrinkage(maps))


def radius(depth: int, *, tolerance: float, bound: float) -> float:
    """Return the largest bound r of ‖S‖ at which compositions may be truncated.

    With ‖S‖ ≤ r and ‖m‖ ≤ `bound`, all terms from the `depth`-th on sum to at most
    bound · r^depth / (1 − r), which is at most `tolerance` for this r.

    Args:
        depth: number of maps inside the first.
        tolerance: greatest truncation error.
        bound: of the norms of the locations.

    Raises:
        ValueError: if `depth` is below 1, or `tolerance` or `bound` not positive.
    """
    if depth < 1:
        raise ValueError(f"depth must be at least 1, got {depth}")
    if not (0 < tolerance < math.inf and 0 < bound < math.inf):
        raise ValueError(
            f"tolerance and bound must be positive, got {tolerance} and {bound}"
        )
    low, high = 0.0, 1.0
    while low < (middle := (low + high) / 2) < high:
        # In logarithms, since r^depth underflows.
        log_tail = math.log(bound) + depth * math.log(middle) - math.log1p(-middle)
        low, high = (low, middle) if log_tail > math.log(tolerance) else (middle, high)
    return low


def tail(
    maps: Maps,
    shrink: float | Float[Array, "*coordinates"],
    depth: int | Int[Array, ""],
) -> Scalar:
    """Return a bound of the error that truncation makes in any coordinate.

    It is shrink^(depth + 1) · max‖m‖ / (1 − shrink); with diagonals the maximum of this
    over the coordinates, which do not mix.

    Args:
        maps: the maps that are composed.
        shrink: bound of their `shrinkage`, below 1, or that of each coordinate
            (`bounds`).
        depth: number of maps inside the first.
    """
    return jnp.max(shrink ** (depth + 1) * _sizes(maps) / (1 - shrink))


def _sizes(maps: Maps) -> Float[Array, "*coordinates"]:
    """Return the largest location: in each coordinate, or for matrices its norm."""
    if maps.scales.ndim == 2:
        return jnp.max(jnp.abs(maps.locations), 0)
    return jnp.max(jnp.linalg.norm(maps.locations, axis=1))


def needed_depth(maps: Maps, *, tolerance: float) -> int:
    """Return the least depth at which the `tail` of these maps is within a tolerance.

    With diagonals each coordinate needs its own depth, and the largest counts: one with
    locations of zero needs none, however little it shrinks.

    Raises:
        ValueError: if `tolerance` is not positive, or a map has an operator norm of 1
            or more.
    """
    if not tolerance > 0:
        raise ValueError(f"tolerance must be positive, got {tolerance}")
    largest = float(jnp.max(shrinkage(maps)))
    if not largest < 1:
        raise ValueError(f"maps must shrink, got one with operator norm {largest}")
    shrink, size = (
        np.asarray(each, np.float64) for each in (bounds(maps), _sizes(maps))
    )
    whole = shrink * size / (1 - shrink)
    if not np.isfinite(whole).all():
        raise ValueError("the locations of the maps must be finite")
    far = whole > tolerance
    depths = np.log(tolerance / whole[far]) / np.log(shrink[far])
    return math.ceil(depths.max(initial=0.0))


def contraction_of(
    weights: Float[Array, "*n d d"],
) -> tuple[Float[Array, "*n d d"], Float[Array, "*n"]]:
    """Return for any matrix A a matrix K with operator norm below 1, and log |det K|.

    K = L⁻¹A with LLᵀ = I + AAᵀ. A singular value σ of A becomes σ/√(1 + σ²), and every
    K with norm below 1 comes from exactly one A.
    """
    gram = weights @ jnp.swapaxes(weights, -1, -2)
    gram = gram + jnp.broadcast_to(jnp.eye(weights.shape[-1]), weights.shape)
    factor = jnp.linalg.cholesky(gram)
    contraction = jax.scipy.linalg.solve_triangular(factor, weights, lower=True)
    diagonal = jnp.diagonal(factor, axis1=-2, axis2=-1)
    log_volume = jnp.linalg.slogdet(weights)[1] - jnp.sum(jnp.log(diagonal), -1)
    return contraction, log_volume
