"""Discretised paths between two codes: their energy, its gradient, and simple paths.

A path of N segments is N + 1 knots `[knots, latent]`; its energy under λ(z) I is

    U_N = N Σ λᵢ ‖zᵢ₊₁ − zᵢ‖²,    λᵢ at the middle of segment i,

the midpoint rule for ∫₀¹ λ(Z) ‖Z'‖² dt: of second order, so that minima of N/2 and N
segments extrapolate. Weights at the left ends, as in some other implementations, are of
first order.
"""

from typing import Literal, NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxgan.paths.conformal import Metric, value_and_gradient
from jaxgan.paths.curves import Path, midpoints
from jaxgan.types import Scalar

Weights = Float[Array, "segments"]
Rule = Literal["midpoint", "simpson"]


class Expansion(NamedTuple):
    """The energy around a path.

    Attributes:
        energy: U_N.
        gradient: by all knots; zero at both ends, which are fixed.
        weights: λ in the middle of each segment.
    """

    energy: Scalar
    gradient: Path
    weights: Weights


def segment_weights(metric: Metric, path: Path, rule: Rule = "midpoint") -> Weights:
    """Mean of λ over each segment, by the midpoint rule or by Simpson's."""
    middle = metric(midpoints(path))
    if rule == "midpoint":
        return middle
    knots = metric(path)
    return (knots[:-1] + 4 * middle + knots[1:]) / 6


def path_energy(metric: Metric, path: Path, rule: Rule = "midpoint") -> Scalar:
    """Energy of a path; with Simpson's rule nearly that of the polygon itself.

    The energy of a polygon bounds the least energy from above.
    """
    weights = segment_weights(metric, path, rule)
    return (len(path) - 1) * jnp.sum(weights * squared_lengths(path))


def path_length(metric: Metric, path: Path, rule: Rule = "midpoint") -> Scalar:
    """Length ∫ √λ ‖dZ‖; its square is at most the energy, equal at constant speed."""
    return jnp.sum(segment_lengths(metric, path, rule))


def segment_lengths(metric: Metric, path: Path, rule: Rule = "midpoint") -> Weights:
    """Length of each segment under the metric."""
    return jnp.sqrt(segment_weights(metric, path, rule) * squared_lengths(path))


def expand(metric: Metric, path: Path) -> Expansion:
    """Evaluate energy and gradient in closed form, with one gradient of λ."""
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
    """Euclidean length of each segment, squared."""
    return jnp.sum(jnp.diff(path, axis=0) ** 2, 1)


def at_equal_speed(
    metric: Metric, path: Path, segments: int
) -> Float[Array, "points latent"]:
    """Give the points that cut a path into segments of equal length under λ."""
    lengths = segment_lengths(metric, path)
    travelled = jnp.pad(jnp.cumsum(lengths), (1, 0))
    stops = jnp.linspace(0, 1, segments + 1, dtype=path.dtype) * travelled[-1]
    # The end exactly, whatever the sum rounds to.
    where = jnp.clip(jnp.searchsorted(travelled, stops, side="right") - 1, 0)
    where = jnp.minimum(where, len(lengths) - 1)
    shares = jnp.clip((stops - travelled[where]) / lengths[where], 0.0, 1.0)[:, None]
    points = path[where] * (1 - shares) + path[where + 1] * shares
    return points.at[-1].set(path[-1])
