"""Profiles along paths: the metric, and how much the images look like digits."""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, UInt8

from experiments.path.pairs import Pairs
from jaxgan import evaluation, paths
from jaxgan.networks import Classified
from jaxgan.paths import Factors, MetricFamily
from jaxgan.pixels import as_rows, to_pixels
from jaxgan.types import Examples, Latents

STOPS = 16
"""Steps of equal length under the metric from one end of a path to the other."""


class Profile(NamedTuple):
    """Measurements along one kind of path, at equal steps under the metric.

    Attributes:
        images: generated images, in [-1, 1].
        values: the metric λ.
        confidence: the judge's largest probability of a class.
        training: distance to the nearest training image, pixels in [0, 1].
        average: distance to the average of the two end images, likewise.
        factors: height, detour and unevenness of each path, whose product is ρ.
    """

    images: Float[np.ndarray, "pairs stops 28 28 1"]
    values: Float[np.ndarray, "pairs stops"]
    confidence: Float[np.ndarray, "pairs stops"]
    training: Float[np.ndarray, "pairs stops"]
    average: Float[np.ndarray, "pairs stops"]
    factors: Factors


def profiles(
    generate: Callable[[Latents], Examples],
    classify: Callable[[Examples], Classified],
    training: UInt8[np.ndarray, "n 28 28 1"],
    metrics: MetricFamily,
    pairs: Pairs,
    found: Float[np.ndarray, "pairs knots latent"],
) -> dict[str, Profile]:
    """Return the profiles of straight lines, spherical interpolations and minimisers.

    Args:
        generate: from codes to images in [-1, 1].
        classify: the judge.
        training: all training images.
        metrics: of the pairs.
        pairs: codes and images of the ends.
        found: the minimisers, that is, the paths of least energy that were found.

    Returns:
        The profiles of all pairs, by `line`, `slerp` and `minimiser`.
    """
    segments = found.shape[1] - 1
    ends = jnp.asarray(pairs.codes_a), jnp.asarray(pairs.codes_b)
    kinds = {
        "line": jax.vmap(lambda a, b: paths.line(a, b, segments))(*ends),
        "slerp": jax.vmap(lambda a, b: paths.slerp(a, b, segments))(*ends),
        "minimiser": jnp.asarray(found),
    }
    references = as_rows(training)

    @jax.jit
    def evaluate(every):
        def one(given):
            path, item = given
            metric = metrics.metric_of(item)
            stops = paths.at_equal_speed(metric, path, STOPS)
            factors = paths.factors(metric, path, paths.least_value(*item))
            return metric(stops), generate(stops), factors

        return jax.lax.map(one, (every, (pairs.images_a, pairs.images_b)))

    def profile(every) -> Profile:
        values, images, factors = jax.tree.map(np.asarray, evaluate(every))
        count = images.shape[:2]
        flat = images.reshape(-1, *images.shape[2:])
        seen = evaluation.features_of(classify, to_pixels(flat))
        pixels = (flat.reshape(len(flat), -1) + 1) / 2
        nearest, _ = evaluation.nearest(pixels, references)
        middle = ((pairs.images_a + pairs.images_b) / 2).reshape(count[0], 1, -1)
        gap = pixels.reshape(*count, -1) - middle
        return Profile(
            images,
            values,
            seen.confidence.reshape(count),
            np.asarray(nearest).reshape(count),
            np.linalg.norm(gap, axis=2),
            factors,
        )

    return {name: profile(every) for name, every in kinds.items()}
