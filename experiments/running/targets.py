"""The images to invert: the first test images of a dataset, or a user's own files."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from PIL import Image

from experiments.running import datasets
from experiments.running.errors import UsageError
from experiments.running.options import DataOptions, TargetOptions
from jaxgan import data
from jaxgan.errors import DataError

LUMA = np.array([0.299, 0.587, 0.114])
"""How bright red, green and blue are (ITU-R BT.601)."""


class Targets(NamedTuple):
    """Images to invert.

    Attributes:
        images: with pixels in [-1, 1].
        name: name of the dataset, or `files`.
    """

    images: Float[np.ndarray, "n height width channels"]
    name: str


def wanted(options: TargetOptions, shape: tuple[int, ...] = datasets.DIGITS) -> Targets:
    """Return the images that the flags ask for: files, or else the first test images.

    Raises:
        UsageError: as `from_files` and `first_images`.
    """
    if options.targets:
        return from_files(options.targets, resize=options.resize, shape=shape)
    return first_images(options, options.images, shape)


def first_images(
    options: DataOptions, count: int, shape: tuple[int, ...] = datasets.DIGITS
) -> Targets:
    """Return the first `count` test images of a dataset.

    Raises:
        UsageError: if it has fewer test images, or they have another shape.
    """
    real = datasets.test(options, shape)
    if count > len(real.images):
        raise UsageError(
            f"--images must be at most {len(real.images)}, the test images of "
            f"{real.name}, got {count}"
        )
    return Targets(_to_units(real.images[:count] / 255), real.name)


def from_files(
    paths: Sequence[Path], *, resize: bool, shape: tuple[int, ...] = datasets.DIGITS
) -> Targets:
    """Return the images in files and folders; `data.read_images` says what is read.

    What was decided in reading them is said on standard error. Colours become gray
    where `shape` has one channel.

    Args:
        paths: files and folders.
        resize: whether to scale images of another size.
        shape: of the images that are wanted.

    Raises:
        UsageError: if a file cannot be read or holds no images, or if an image has
            another size and `resize` is False, or no colours where they are wanted.
    """
    images = []
    for path in paths:
        try:
            found = data.read_images(path)
        except DataError as error:
            raise UsageError(f"--targets {error}") from error
        said = list(found.notices)
        if shape[2] == 1 and any(image.shape[2] == 3 for image in found.images):
            said.append("colours were turned into gray")
        images += [_fitting(path, image, resize, shape) for image in found.images]
        datasets.tell(f"--targets {path}: {word}" for word in said)
    return Targets(_to_units(np.stack(images)), "files")


def _to_units(pixels: np.ndarray) -> np.ndarray:
    return (2 * pixels - 1).astype(np.float32)


def _fitting(
    path: Path, image: np.ndarray, resize: bool, shape: tuple[int, ...]
) -> np.ndarray:
    """Return an image in [0, 1] that has the shape."""
    height, width, channels = shape
    pixels = image / 255 if image.dtype == np.uint8 else image.astype(float)
    if channels == 1 and image.shape[2] == 3:
        pixels = (pixels @ LUMA)[..., None]
    if pixels.shape[:2] != (height, width):
        found = " × ".join(map(str, pixels.shape[:2]))
        if not resize:
            raise UsageError(
                f"--targets {path}: expected {height} × {width} pixels, found {found}; "
                "add --resize to scale it"
            )
        pixels = np.stack(
            [_scaled(pixels[..., c], height, width) for c in range(pixels.shape[2])], 2
        )
    return np.broadcast_to(np.clip(pixels, 0, 1), shape)


def _scaled(channel: np.ndarray, height: int, width: int) -> np.ndarray:
    scaled = Image.fromarray(channel.astype(np.float32)).resize(
        (width, height), Image.Resampling.LANCZOS
    )
    return np.asarray(scaled)
