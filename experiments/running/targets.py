"""The images to invert: the first test images of a dataset, or a user's own files."""

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from PIL import Image, UnidentifiedImageError

from experiments.running.errors import UsageError
from jaxgan import data
from jaxgan.errors import first_line

SIDE = 28
MOST_PIXELS = 1 << 24
"""Largest picture that is read: a small file can claim more than fits in memory."""


class Targets(NamedTuple):
    """Images to invert.

    Attributes:
        images: gray images with pixels in [-1, 1].
        name: name of the dataset, or `files`.
    """

    images: Float[np.ndarray, "n 28 28 1"]
    name: str


def first_digits(name: str, count: int, data_dir: Path | None) -> Targets:
    """Return the first `count` test images of a dataset.

    Raises:
        UsageError: if it has fewer test images.
    """
    real = data.load(name, "test", data_dir=data_dir)
    if count > len(real.images):
        raise UsageError(
            f"--images must be at most {len(real.images)}, the test images of "
            f"{real.name}, got {count}"
        )
    return Targets(_to_units(real.images[:count] / 255), real.name)


def from_files(paths: Sequence[Path], *, resize: bool) -> Targets:
    """Return the images in files: any number from `.npy`, one from a picture.

    Args:
        paths: `.npy` arrays, or pictures of any format that Pillow reads.
        resize: whether to scale images of another size to 28 × 28 pixels.

    Raises:
        UsageError: if a file cannot be read or holds no gray images, or if an image
            has another size and `resize` is False.
    """
    images = [image for path in paths for image in _read(path)]
    for path, image in images:
        if image.shape != (SIDE, SIDE) and not resize:
            raise UsageError(
                f"--targets {path}: expected {SIDE} × {SIDE} pixels, found "
                f"{' × '.join(map(str, image.shape))}; add --resize to scale it"
            )
    return Targets(
        _to_units(np.stack([_resized(image) for _, image in images])[..., None]),
        "files",
    )


def _to_units(pixels: np.ndarray) -> np.ndarray:
    return (2 * pixels - 1).astype(np.float32)


def _read(path: Path) -> list[tuple[Path, np.ndarray]]:
    """Return the images of a file, pixels in [0, 1], each with its path."""
    try:
        with warnings.catch_warnings(action="ignore"):  # of odd metadata or size
            if path.suffix == ".npy":
                return [(path, image) for image in _images_of(path)]
            return [(path, _picture(path))]
    except UnidentifiedImageError:
        raise UsageError(f"--targets {path}: not an image") from None
    except Exception as error:  # NumPy and Pillow raise many kinds
        said = error.strerror if isinstance(error, OSError) else None
        line = said or first_line(error)
        raise UsageError(f"--targets {path}: {line}") from error


def _picture(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        width, height = image.size
        if width * height > MOST_PIXELS:
            raise ValueError(f"{width} × {height} pixels are too many")
        return np.asarray(image.convert("L")) / 255


def _images_of(path: Path) -> np.ndarray:
    # Mapped, not read: the header may promise more than the file holds.
    array = np.lib.format.open_memmap(path, mode="r")
    shape = array.shape
    if array.ndim == 4 and shape[3] == 1:
        array = array[..., 0]
    if array.ndim == 2:
        array = array[None]
    if array.ndim != 3 or not array.size:
        raise ValueError(f"expected gray images [n, height, width], found {shape}")
    if array.dtype == np.uint8:
        return array / 255
    if not np.issubdtype(array.dtype, np.floating):
        raise ValueError(f"expected uint8 or floating point, found {array.dtype}")
    if not (array.min() >= 0 and array.max() <= 1):  # also refuses NaN
        raise ValueError(
            f"expected pixels in [0, 1], found {array.min():.3g} to {array.max():.3g}"
        )
    return array


def _resized(image: np.ndarray) -> np.ndarray:
    if image.shape == (SIDE, SIDE):
        return image
    scaled = Image.fromarray(image.astype(np.float32)).resize(
        (SIDE, SIDE), Image.Resampling.LANCZOS
    )
    return np.clip(np.asarray(scaled), 0, 1)
