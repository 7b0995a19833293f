"""What all panels work with: generators, a judge, thirty digits, compiled functions."""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, Int, UInt8

from experiments.diagnose import judged
from experiments.running import generators
from experiments.running.options import GeneratorOptions
from jaxgan import data, pixels, storage
from jaxgan.networks import Classified, FinishedGenerator
from jaxgan.types import Examples

PLANE = "mnist-wgan-gp-2d"
"""The model of the panel that needs a latent plane."""
EACH = 3
"""Test digits of each class."""
PRIOR_WEIGHT = 0.01
"""Weight κ of ½κ‖z‖² in all inversions, as in `experiments.invert`."""
ADAM = {"steps": 1000, "starts": 4, "learning_rate": 0.1}
"""The plain search that ours is compared with."""


class Workbench(NamedTuple):
    """What all panels work with.

    Attributes:
        options: what the generator was loaded with.
        generator: it, with images in [-1, 1].
        plane: a generator over a latent plane; the same one if it has two dimensions.
        plane_source: its name.
        classify: the judge of digits.
        digits: test digits, three of each class.
        labels: their classes.
        adam: the plain search that ours is compared with: codes of images.
    """

    options: GeneratorOptions
    generator: FinishedGenerator
    plane: FinishedGenerator
    plane_source: str
    classify: Callable[[Examples], Classified]
    digits: UInt8[np.ndarray, "digits 28 28 1"]
    labels: Int[np.ndarray, "digits"]
    adam: Callable[..., np.ndarray]


def prepare(checkpoint: str, generator: str | None) -> Workbench:
    """Load everything; the digits are those that come with the packages.

    Raises:
        UsageError, CheckpointError: if the generator cannot be loaded, makes no images
            of 28 × 28 pixels, or does not declare its kinks.
    """
    options = GeneratorOptions(checkpoint=checkpoint, generator=generator)
    chosen = generators.load(options, with_kinks=True)
    is_plane = chosen.latent_dim == 2
    test = data.load("sample", "test")
    of_class = [np.flatnonzero(test.labels == digit)[:EACH] for digit in range(10)]
    numbers = np.stack(of_class, 1).ravel()
    return Workbench(
        options,
        chosen,
        chosen if is_plane else storage.load_generator(PLANE),
        options.source if is_plane else PLANE,
        storage.load_classifier("mnist-classifier"),
        test.images[numbers],
        np.asarray(test.labels[numbers], int),
        judged.adam(chosen, **ADAM, prior_weight=PRIOR_WEIGHT).on_targets,
    )


_generate = jax.jit(FinishedGenerator.generate)


def images_of(
    generator: FinishedGenerator, codes: Float[np.ndarray, "n latent"]
) -> UInt8[np.ndarray, "n 28 28"]:
    """Return the images of codes as pixels."""
    images = np.asarray(_generate(generator, jnp.asarray(codes, jnp.float32)))
    return pixels.to_pixels(images[..., 0])


def to_units(gray: UInt8[np.ndarray, "n 28 28"]) -> Float[np.ndarray, "n 28 28 1"]:
    """Return pixels as images in [-1, 1]."""
    return (gray[..., None] / 127.5 - 1).astype(np.float32)
