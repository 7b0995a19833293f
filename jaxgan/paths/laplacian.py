"""The path Laplacian, a model of the Hessian of a path's energy, for preconditioning.

For constant λᵢ the Hessian of U_N = N Σ λᵢ ‖zᵢ₊₁ − zᵢ‖² is a Laplacian P along the
path, the same for each coordinate. The dependence of λ on the path adds the potential
N Σ qᵢ λ(mᵢ), with the squared length qᵢ of a segment and its midpoint mᵢ. If λ has a
constant Hessian C, the sum of both is tridiagonal in each eigendirection of C. This
*screened Laplacian* of N segments in d dimensions is inverted by O(N d) operations and
two changes of basis.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxgan.paths.conformal import Matrix
from jaxgan.paths.curves import Path
from jaxgan.paths.energy import Weights, squared_lengths


class Curvature(NamedTuple):
    """A symmetric positive semidefinite matrix, decomposed.

    Attributes:
        values: eigenvalues.
        basis: eigenvectors, one in each column.
    """

    values: Float[Array, "latent"]
    basis: Matrix


def decompose(matrix: Matrix) -> Curvature:
    """Return eigenvalues and eigenvectors; negative eigenvalues become zero."""
    values, basis = jnp.linalg.eigh(matrix)
    return Curvature(jnp.maximum(values, 0.0), basis)


def apply_laplacian(weights: Weights, change: Path) -> Path:
    """Return P times a change that is zero at both ends."""
    flow = 2 * len(weights) * weights[:, None] * jnp.diff(change, axis=0)
    return jnp.pad(flow[:-1] - flow[1:], ((1, 1), (0, 0)))


def solve_laplacian(weights: Weights, gradient: Path) -> Path:
    """Return P⁻¹ times a gradient, by two cumulative sums; it is zero at both ends."""
    total = jnp.cumsum(gradient[1:-1], axis=0) / (2 * len(weights))
    total = jnp.pad(total, ((1, 0), (0, 0)))
    ease = 1 / weights[:, None]
    mean = jnp.sum(total * ease, 0, keepdims=True) / jnp.sum(ease)
    inner = jnp.cumsum((mean - total) * ease, axis=0)[:-1]
    return jnp.pad(inner, ((1, 1), (0, 0)))


def solve_screened(
    curvature: Curvature, weights: Weights, path: Path, gradient: Path
) -> Path:
    """Return (P + N Σ qᵢ Mᵢᵀ C Mᵢ)⁻¹ times a gradient.

    Mᵢ takes the mean of the two ends of segment i, and C is the curvature.
    """
    segments = len(weights)
    screen = squared_lengths(path)[:, None] * curvature.values[None] / 8
    plus, minus = weights[:, None] + screen, screen - weights[:, None]
    scale = 2 * segments
    right = gradient[1:-1] @ curvature.basis / scale
    inner = _solve_tridiagonal(plus[:-1] + plus[1:], minus[1:-1], right)
    return jnp.pad(inner @ curvature.basis.T, ((1, 1), (0, 0)))


def _solve_tridiagonal(
    diagonal: Float[Array, "n d"], beside: Float[Array, "n-1 d"], right: Path
) -> Path:
    """Return the solutions of d symmetric positive definite systems (Thomas 1949)."""
    beside = jnp.pad(beside, ((1, 0), (0, 0)))

    def eliminate(carry, row):
        pivot, value = carry
        on, off, rhs = row
        factor = off / pivot
        pivot, value = on - factor * off, rhs - factor * value
        return (pivot, value), (pivot, value)

    first = (jnp.ones_like(right[0]), jnp.zeros_like(right[0]))
    _, (pivots, values) = jax.lax.scan(eliminate, first, (diagonal, beside, right))

    def substitute(after, row):
        pivot, off, value = row
        here = (value - off * after) / pivot
        return here, here

    following = jnp.concatenate([beside[1:], jnp.zeros_like(beside[:1])])
    _, solution = jax.lax.scan(
        substitute, jnp.zeros_like(right[0]), (pivots, following, values), reverse=True
    )
    return solution
