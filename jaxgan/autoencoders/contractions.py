"""Maps e → m + S e that shrink: how much they must, and their compositions."""

import math
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from jaxgan.types import Latents, Scalar


class Maps(NamedTuple):
    """Affine maps of latent space, one for each example.

    Attributes:
        locations: m, where each sends the origin.
        scales: S: the diagonal of a matrix, or the matrix.
    """

    locations: Float[Array, "n latent"]
    scales: Float[Array, "n latent *columns"]


def apply(maps: Maps, points: Latents) -> Latents:
    """Send each point through its map."""
    if maps.scales.ndim == points.ndim:
        return maps.locations + maps.scales * points
    return maps.locations + jnp.einsum("nij,nj->ni", maps.scales, points)


def compose(outer: Maps, inner: Maps) -> Maps:
    """Give the maps that do first the inner and then the outer one."""
    if outer.scales.ndim == outer.locations.ndim:
        scales = outer.scales * inner.scales
    else:
        scales = outer.scales @ inner.scales
    return Maps(apply(outer, inner.locations), scales)


def take(maps: Maps, items: Int[Array, "k"]) -> Maps:
    """Select some of the maps, in any order."""
    return Maps(maps.locations[items], maps.scales[items])


def shrinkage(maps: Maps) -> Float[Array, "n"]:
    """Give the operator norm of each scale.

    A diagonal shrinks the largest coordinate, a matrix the Euclidean norm.
    """
    if maps.scales.ndim == 2:
        return jnp.max(jnp.abs(maps.scales), 1)
    return jnp.linalg.norm(maps.scales, ord=2, axis=(1, 2))


def radius(depth: int, *, tolerance: float, bound: float) -> float:
    """Give the largest shrinkage r at which compositions may be cut at a depth.

    With ‖S‖ ≤ r and ‖m‖ ≤ `bound`, all terms from the `depth`-th on sum to at most
    bound · r^depth / (1 − r), which is `tolerance`.

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
        # Logarithms: r^depth underflows.
        log_tail = math.log(bound) + depth * math.log(middle) - math.log1p(-middle)
        low, high = (low, middle) if log_tail > math.log(tolerance) else (middle, high)
    return low


def tail(maps: Maps, shrink: float | Scalar, depth: int | Int[Array, ""]) -> Scalar:
    """Bound what compositions of these maps lack that stop after `depth` inner ones.

    In any coordinate: shrink^(depth + 1) · max‖m‖ / (1 − shrink).

    Args:
        maps: from which the compositions are made.
        shrink: bound of their shrinkage, below 1.
        depth: maps inside the first.
    """
    sizes = jnp.abs(maps.locations)
    if maps.scales.ndim == 3:
        sizes = jnp.linalg.norm(sizes, axis=1)
    return shrink ** (depth + 1) * jnp.max(sizes) / (1 - shrink)


def needed_depth(maps: Maps, *, tolerance: float) -> int:
    """Give the least depth at which the tail of these maps is within a tolerance.

    Raises:
        ValueError: if `tolerance` is not positive, or a map does not shrink.
    """
    if not tolerance > 0:
        raise ValueError(f"tolerance must be positive, got {tolerance}")
    shrink = float(jnp.max(shrinkage(maps)))
    if not shrink < 1:
        raise ValueError(f"maps must shrink, got one with operator norm {shrink}")
    whole = float(tail(maps, shrink, 0))
    if whole <= tolerance:
        return 0
    return math.ceil(math.log(tolerance / whole) / math.log(shrink))


def contraction_of(
    weights: Float[Array, "*n d d"],
) -> tuple[Float[Array, "*n d d"], Float[Array, "*n"]]:
    """Turn any matrix A into one whose operator norm is below 1, and log |det| of it.

    K = L⁻¹A with LLᵀ = I + AAᵀ. Its singular values are σ/√(1 + σ²) for those of A,
    and every K with norm below 1 comes from one A.
    """
    gram = weights @ jnp.swapaxes(weights, -1, -2)
    gram = gram + jnp.broadcast_to(jnp.eye(weights.shape[-1]), weights.shape)
    factor = jnp.linalg.cholesky(gram)
    contraction = jax.scipy.linalg.solve_triangular(factor, weights, lower=True)
    diagonal = jnp.diagonal(factor, axis1=-2, axis2=-1)
    log_volume = jnp.linalg.slogdet(weights)[1] - jnp.sum(jnp.log(diagonal), -1)
    return contraction, log_volume
