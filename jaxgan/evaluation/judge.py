"""The judge of samples: all metrics at once, for samples and for real images.

The judge is a classifier: samples and real images are compared by its features, the
activations of its last hidden layer.
"""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, UInt8

from jaxgan.errors import first_line
from jaxgan.evaluation import classes, frechet, metrics
from jaxgan.networks import Classified
from jaxgan.pixels import as_inputs, as_rows
from jaxgan.statistics import Estimate
from jaxgan.types import Examples, PRNGKey

CHUNK = 500
"""Images classified at a time."""

Images = UInt8[np.ndarray, "n 28 28 1"]
Pixels = Float[np.ndarray, "n pixels"]


class ImageFeatures(NamedTuple):
    """Numbers by which a set of images is compared with another one.

    Attributes:
        features: activations of the classifier's last hidden layer.
        logits: outputs of the classifier.
        pixels: of the images, flattened, in [0, 1].
    """

    features: Float[np.ndarray, "n features"]
    logits: Float[np.ndarray, "n classes"]
    pixels: Pixels

    @property
    def classes(self) -> np.ndarray:
        """The most probable class of each image."""
        return self.logits.argmax(1)

    @property
    def confidence(self) -> np.ndarray:
        """The probability of that class."""
        shares = np.exp(self.logits - self.logits.max(1, keepdims=True))
        return 1 / shares.sum(1)


def draw_images(
    key: PRNGKey, images: Images, count: int
) -> UInt8[np.ndarray, "count 28 28 1"]:
    """Return different images, chosen at random, in the order in which they are.

    Raises:
        ValueError: if there are fewer than `count`, or `count` is negative.
    """
    if not 0 <= count <= len(images):
        raise ValueError(f"cannot draw {count} of {len(images)} images")
    chosen = np.asarray(jax.random.permutation(key, len(images)))[:count]
    return images[np.sort(chosen)]


def features_of(
    classify: Callable[[Examples], Classified], images: Images, *, chunk: int = CHUNK
) -> ImageFeatures:
    """Return the features of images, classified `chunk` of them at a time.

    Raises:
        ValueError: if the images are not uint8 `[n, height, width, channels]` with
            pixels from 0 to 255, there are none, or the classifier takes images of
            another shape. `pixels.to_pixels` makes such images of a generator's.
    """
    _require_images(classify, images)
    features, logits = _classified(classify, jnp.asarray(images), chunk)
    return ImageFeatures(np.asarray(features), np.asarray(logits), as_rows(images))


def _require_images(classify: Callable[[Examples], Classified], images: Images) -> None:
    images = np.asarray(images)
    if images.dtype != np.uint8 or images.ndim != 4 or not len(images):
        raise ValueError(
            "expected images uint8 [n, height, width, channels], n ≥ 1, with pixels "
            f"from 0 to 255, got {images.dtype} {list(images.shape)}; "
            "pixels.to_pixels makes them of images in [-1, 1]"
        )
    try:
        jax.eval_shape(
            classify, jax.ShapeDtypeStruct((1, *images.shape[1:]), jnp.float32)
        )
    except Exception as error:  # the classifier may be the user's own
        raise ValueError(
            f"the classifier takes no images {list(images.shape[1:])}: "
            f"{first_line(error)}"
        ) from error


@partial(jax.jit, static_argnums=(0, 2))
def _classified(
    classify: Callable[[Examples], Classified], images: Array, chunk: int
) -> Classified:
    def one(image: Array) -> Classified:
        seen = classify(as_inputs(image)[None])
        return Classified(seen.features[0], seen.logits[0])

    return jax.lax.map(one, images, batch_size=chunk)


def verdict(
    key: PRNGKey,
    samples: ImageFeatures,
    reference: ImageFeatures,
    unseen: ImageFeatures,
    training: Pixels,
) -> dict[str, Estimate]:
    """Return every metric of samples against a reference set, by name.

    Args:
        key: of the bootstrap.
        samples: the images to judge; as many as `reference` for comparable numbers.
        reference: real images that no model was trained on.
        unseen: images whose distance to the training images is reported: `samples`,
            unless these are training images themselves.
        training: all training images.
    """
    frechet_key, kernel_key, score_key, class_key = jax.random.split(key, 4)
    fake, real = samples.features, reference.features
    num_classes = reference.logits.shape[1]
    return {
        "frechet_distance": frechet.frechet_distance(frechet_key, fake, real),
        "class_matched_frechet_distance": frechet.class_matched_frechet_distance(
            frechet_key, fake, real, samples.classes, reference.classes
        ),
        "kernel_distance": metrics.kernel_distance(kernel_key, fake, real),
        **metrics.coverage(fake, real)._asdict(),
        "classifier_score": classes.classifier_score(score_key, samples.logits),
        "class_total_variation": classes.total_variation(
            class_key, samples.classes, reference.classes, num_classes
        ),
        "nearest_training_distance": metrics.nearest_distance(unseen.pixels, training),
    }


def floor(
    key: PRNGKey, training: ImageFeatures, reference: ImageFeatures, num_samples: int
) -> dict[str, Estimate]:
    """Return the metrics of training images drawn at random, in place of samples.

    No generator of the training distribution is expected to do better. The nearest
    training distance is that of the reference images.

    Raises:
        ValueError: if there are not `num_samples` training images.
    """
    if num_samples > len(training.pixels):
        raise ValueError(
            f"a floor at {num_samples} samples needs as many training images, got "
            f"{len(training.pixels)}"
        )
    draw_key, key = jax.random.split(key)
    chosen = np.asarray(jax.random.permutation(draw_key, len(training.pixels)))
    drawn = ImageFeatures(*(leaf[chosen[:num_samples]] for leaf in training))
    return verdict(key, drawn, reference, reference, training.pixels)
