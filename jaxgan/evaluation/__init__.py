"""Metrics of samples against real images, in the features of a classifier.

`verdict` computes all metrics of a set of samples. `floor` computes them for real
images in place of samples: no generator can be expected to do better.

>>> import jax
>>> import jaxgan
>>> from jaxgan import data, evaluation
>>> classify = jaxgan.load_classifier()
>>> test = evaluation.features_of(classify, data.load("sample", "test").images[:100])
>>> other = evaluation.features_of(classify, data.load("sample", "train").images[:100])
>>> distance = evaluation.frechet_distance(
...     jax.random.key(0), other.features, test.features
... )
>>> distance.value > 0
True

Read `frechet`, `metrics` and `classes`, then `judge`, which computes all of them;
`neighbours` finds nearest points.
"""

from jaxgan.evaluation.classes import (
    class_shares,
    classifier_score,
    total_variation,
)
from jaxgan.evaluation.frechet import (
    Moments,
    class_matched_frechet_distance,
    class_matched_moments,
    frechet_between,
    frechet_distance,
    moments,
)
from jaxgan.evaluation.judge import (
    ImageFeatures,
    Images,
    Pixels,
    draw_images,
    features_of,
    floor,
    verdict,
)
from jaxgan.evaluation.metrics import (
    Coverage,
    coverage,
    kernel_distance,
    nearest_distance,
)
from jaxgan.evaluation.neighbours import nearest

__all__ = [
    "Coverage",
    "ImageFeatures",
    "Images",
    "Moments",
    "Pixels",
    "class_matched_frechet_distance",
    "class_matched_moments",
    "class_shares",
    "classifier_score",
    "coverage",
    "draw_images",
    "features_of",
    "floor",
    "frechet_between",
    "frechet_distance",
    "kernel_distance",
    "moments",
    "nearest",
    "nearest_distance",
    "total_variation",
    "verdict",
]
