"""The scale of realism: digits that are real, and averages of two that are none.

The judge's confidence and the distance to the training images are read on this scale,
and the images half-way along paths are compared with test images as a set.
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import jax
import numpy as np
from jaxtyping import Float, Int, UInt8

from experiments.path.along import STOPS, Profile
from experiments.path.pairs import Pairs
from jaxgan import evaluation
from jaxgan.networks import Classified
from jaxgan.pixels import as_rows, to_pixels
from jaxgan.statistics import Estimate
from jaxgan.types import Examples, PRNGKey

MOST = 1000
"""Real digits on the scale."""

Images = UInt8[np.ndarray, "n 28 28 1"]


class Seen(NamedTuple):
    """How realistic single images look.

    Attributes:
        confidence: the judge's largest probability of a class.
        training: distance to the nearest training image, pixels in [0, 1].
    """

    confidence: Float[np.ndarray, "n"]
    training: Float[np.ndarray, "n"]


class Floor(NamedTuple):
    """The least ρ of paths whose images look like digits, by two estimates.

    If no image of a path is nearer than δ to the average of its ends, ρ is at least
    1 + 4δ²/D² (D is the distance of the ends), and 2 if none is nearer than the ends
    are. A digit-like image near the average is taken to be as far as a training image.

    Attributes:
        nearest: δ is the distance of the average to the nearest training image. Too
            large, since other digits may be nearer.
        corrected: δ² is that distance squared, less the median one of test images, that
            is how far a digit is from the nearest of so many others. Too small, if
            the nearest training image differs from the average in the same direction.
    """

    nearest: Float[np.ndarray, "pairs"]
    corrected: Float[np.ndarray, "pairs"]


class Realism(NamedTuple):
    """The ends of the scale, and the images half-way along the paths as a set.

    Attributes:
        real: test images.
        crossfade: plain averages of two test images that the judge finds of different
            classes.
        halfway: Fréchet distance to the test images of the images half-way along each
            kind of path; of those at the beginning of the paths, `ends`; of as many
            averages, `crossfade`; and of as many training images, `real`. Empty where
            there are not more pairs than features: the covariance would be singular.
        floor: how small ρ can be if all images of a path look like digits.
    """

    real: Seen
    crossfade: Seen
    halfway: dict[str, Estimate]
    floor: Floor


def measure(
    key: PRNGKey,
    classify: Callable[[Examples], Classified],
    training: UInt8[np.ndarray, "training 28 28 1"],
    test: UInt8[np.ndarray, "test 28 28 1"],
    pairs: Pairs,
    profiles: Mapping[str, Profile],
) -> Realism:
    """Return the scale of realism, and where the images half-way are on it.

    Args:
        key: of the averages and training images that are drawn, and of the bootstrap.
        classify: the judge.
        training: all training images.
        test: all test images.
        pairs: images of the ends.
        profiles: measurements along each kind of path.
    """
    average_key, draw_key, error_key = jax.random.split(key, 3)
    reference = evaluation.features_of(classify, test)
    averages = average_of_two(average_key, test, reference.classes)
    references = as_rows(training)

    def look(images: Images) -> Seen:
        seen = evaluation.features_of(classify, images)
        return Seen(seen.confidence, evaluation.nearest(seen.pixels, references)[0])

    shown = {name: each.images[:, STOPS // 2] for name, each in profiles.items()}
    shown["ends"] = next(iter(profiles.values())).images[:, 0]
    sets = {name: to_pixels(images) for name, images in shown.items()}
    count = min(len(sets["ends"]), len(averages), len(training))
    sets["crossfade"] = averages[:count]
    sets["real"] = evaluation.draw_images(draw_key, training, count)
    halfway = {}
    if count > reference.features.shape[1]:
        halfway = {
            name: evaluation.frechet_distance(
                error_key,
                evaluation.features_of(classify, images).features,
                reference.features,
            )
            for name, images in sets.items()
        }
    real = look(test[:MOST])
    return Realism(
        real, look(averages[:MOST]), halfway, least_rho(pairs, references, real)
    )


def least_rho(
    pairs: Pairs, references: Float[np.ndarray, "training pixels"], real: Seen
) -> Floor:
    """Return the least ρ of paths whose images look like digits, for each pair.

    Args:
        pairs: images of the ends.
        references: pixels of the training images, in [0, 1].
        real: test images.
    """
    first, last = (
        each.reshape(len(each), -1) for each in (pairs.images_a, pairs.images_b)
    )
    squares = np.sum((first - last).astype(np.float64) ** 2, 1)
    distance, _ = evaluation.nearest((first + last) / 2, references)

    def floor(nearest: Float[np.ndarray, "pairs"]) -> Float[np.ndarray, "pairs"]:
        return 1 + 4 * np.clip(nearest, 0, squares / 4) / squares

    unseen = np.median(real.training) ** 2
    return Floor(floor(distance**2), floor(distance**2 - unseen))


def average_of_two(
    key: PRNGKey, images: Images, classes: Int[np.ndarray, "n"]
) -> UInt8[np.ndarray, "averages 28 28 1"]:
    """Return the average of each image and another one, drawn at random.

    Averages of two images of one class are left out.
    """
    order = np.asarray(jax.random.permutation(key, len(images)))
    different = classes != classes[order]
    one, other = (i[different].astype(np.float64) for i in (images, images[order]))
    return np.round((one + other) / 2).astype(np.uint8)


def summary(realism: Realism) -> dict[str, float | None]:
    """Return every number under a name of its own; None where it was not measured."""
    numbers: dict[str, float | None] = {}
    for kind, seen in (("real", realism.real), ("crossfade", realism.crossfade)):
        for quantity, values in seen._asdict().items():
            for name, share in (("p10", 0.1), ("median", 0.5), ("p90", 0.9)):
                numbers[f"{quantity}_{kind}_{name}"] = float(np.quantile(values, share))
    for kind in ("line", "slerp", "minimiser", "ends", "crossfade", "real"):
        estimate = realism.halfway.get(kind)
        name = f"frechet_distance_halfway_{kind}"
        numbers[name] = estimate and estimate.value
        numbers[f"{name}_error"] = estimate and estimate.standard_error
    for name, values in realism.floor._asdict().items():
        quartiles = np.quantile(values, (0.25, 0.5, 0.75))
        for place, value in zip(("p25", "median", "p75"), quartiles, strict=True):
            numbers[f"rho_floor_{name}_{place}"] = float(value)
    return numbers
