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
from jaxgan import evaluation
from jaxgan.networks import Classified
from jaxgan.pixels import to_pixels
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
    """

    real: Seen
    crossfade: Seen
    halfway: dict[str, Estimate]


def measure(
    key: PRNGKey,
    classify: Callable[[Examples], Classified],
    training: UInt8[np.ndarray, "training 28 28 1"],
    test: UInt8[np.ndarray, "test 28 28 1"],
    profiles: Mapping[str, Profile],
) -> Realism:
    """Return the scale of realism, and where the images half-way are on it.

    Args:
        key: of the averages and training images that are drawn, and of the bootstrap.
        classify: the judge.
        training: all training images.
        test: all test images.
        profiles: measurements along each kind of path.
    """
    average_key, draw_key, error_key = jax.random.split(key, 3)
    reference = evaluation.features_of(classify, test)
    averages = average_of_two(average_key, test, reference.classes)
    references = training.reshape(len(training), -1).astype(np.float32) / 255

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
    return Realism(look(test[:MOST]), look(averages[:MOST]), halfway)


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
    return numbers
