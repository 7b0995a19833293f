"""The energy of a discretised path, its gradient, and its length.

The energy of a path Z(t) under the metric λ(z) I is ∫₀¹ λ(Z) ‖Z′‖² dt. For the knots zᵢ
of N segments the midpoint rule gives

    U_N = N Σ λᵢ ‖zᵢ₊₁ − zᵢ‖²,    λᵢ at the midpoint of segment i.

Its error is of second order, so that the minima for N/2 and N segments can be
extrapolated (`records.richardson`). With λ at the left ends of the segments, as in some
other implementations, it would be of first order.
"""

from typing import Literal, NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxgan.paths.conformal import Metric, value_and_gradient
from jaxgan.paths.curves import Path, midpoints
from jaxgan.types import Scalar

Weights = Float[Array, "segments"]
Rule = Literal["midpoint", "simpson"]
"""Quadrature of λ over a segment."""


class Expansion(NamedTuple):
    """The energy of a path to first order.

    Attributes:
        energy: U_N.
        gradient: derivative by all knots; zero at both ends, which are fixed.
        weights: λ at the midpoint of each segment.
    """

    energy: Scalar
    gradient: Path
    weights: Weights


def segment_weights(metric: Metric, path: Path, rule: Rule = "midpoint") -> Weights:
    """Return the mean of λ over each segment, by the midpoint rule or by Simpson's."""
    middle = metric(midpoints(path))
    if rule == "midpoint":
        return middle
    knots = metric(path)
    return (knots[:-1] + 4 * middle + knots[1:]) / 6


def path_energy(metric: Metric, path: Path, rule: Rule = "midpoint") -> Scalar:
    """Return the energy U_N of a path, in units of λ times squared latent distance.

    With Simpson's rule it is nearly the exact energy of the polygon, which is an upper
    bound of the least energy.
    """
    weights = segment_weights(metric, path, rule)
    return (len(path) - 1) * jnp.sum(weights * squared_lengths(path))


def path_length(metric: Metric, path: Path, rule: Rule = "midpoint") -> Scalar:
    """Return the length ∫ √λ ‖dZ‖ of a path.

    Its square is at most the energy, and equal to it at constant speed.
    """
    return jnp.sum(segment_lengths(metric, path, rule))


def segment_lengths(metric: Metric, path: Path, rule: Rule = "midpoint") -> Weights:
    """Return the length of each segment under the metric."""
    return jnp.sqrt(segment_weights(metric, path, rule) * squared_lengths(path))


def expand(metric: Metric, path: Path) -> Expansion:
    """Return energy and gradient in closed form, from one gradient of λ."""
    weights, slopes = value_and_gradient(metric, midpoints(path))
    squares = squared_lengths(path)
    segments = len(path) - 1
    pull = 2 * weights[:, None] * jnp.diff(path, axis=0)
    push = 0.5 * squares[:, None] * slopes
    inner = segments * (pull[:-1] - pull[1:] + push[:-1] + push[1:])
    return Expansion(
        segments * jnp.sum(weights * squares), jnp.pad(inner, ((1, 1), (0, 0))), weights
    )


def squared_lengths(path: Path) -> Weights:
    """Return the squared Euclidean length of each segment."""
    return jnp.sum(jnp.diff(path, axis=0) ** 2, 1)


def at_equal_speed(
    metric: Metric, path: Path, segments: int
) -> Float[Array, "points latent"]:
    """Return the points that cut a path into segments of equal length under λ."""
    lengths = segment_lengths(metric, path)
    travelled = jnp.pad(jnp.cumsum(lengths), (1, 0))
    stops = jnp.linspace(0, 1, segments + 1, dtype=path.dtype) * travelled[-1]
    # Rounding of the sum must not move the end.
    where = jnp.clip(jnp.searchsorted(travelled, stops, side="right") - 1, 0)
    where = jnp.minimum(where, len(lengths) - 1)
    shares = jnp.clip((stops - travelled[where]) / lengths[where], 0.0, 1.0)[:, None]
    points = path[where] * (1 - shares) + path[where + 1] * shares
    return points.at[-1].set(path[-1])
