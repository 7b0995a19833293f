"""Why a path costs more than the bound: how high it lies, and what way it goes round.

With the least value λ₀ of the metric and the distance ℓ of the ends, no path has less
energy than λ₀ℓ². The excess is a product,

    U / (λ₀ℓ²) = height² · detour² · unevenness,

and each factor is at least 1.
"""

from typing import NamedTuple

import jax.numpy as jnp

from jaxgan.paths.conformal import Metric
from jaxgan.paths.curves import Path
from jaxgan.paths.energy import path_energy, segment_lengths, squared_lengths
from jaxgan.types import Scalar


class Factors(NamedTuple):
    """What ρ = U / (λ₀ℓ²) is the product of.

    Attributes:
        height: mean of √(λ/λ₀) over the Euclidean length of the path: 1 where λ is
            nowhere more than its least value λ₀.
        detour: Euclidean length of the path over the distance of its ends: 1 for the
            straight line.
        unevenness: U/L² for the length L under the metric: 1 at constant speed.
    """

    height: Scalar
    detour: Scalar
    unevenness: Scalar


def factors(metric: Metric, path: Path, least: Scalar) -> Factors:
    """Return the factors of ρ: ρ = height² · detour² · unevenness.

    Args:
        metric: λ.
        path: its knots; the two ends differ.
        least: λ₀ > 0, a lower bound of λ; `least_value` for the metric of two images.
    """
    euclidean = jnp.sum(jnp.sqrt(squared_lengths(path)))
    length = jnp.sum(segment_lengths(metric, path))
    return Factors(
        length / (jnp.sqrt(least) * euclidean),
        euclidean / jnp.linalg.norm(path[-1] - path[0]),
        path_energy(metric, path) / length**2,
    )
