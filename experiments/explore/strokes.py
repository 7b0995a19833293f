"""A digit from a drawing or a file, brought into the form that MNIST's digits have."""

from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float, UInt8
from PIL import Image, UnidentifiedImageError

from jaxgan import data
from jaxgan.errors import DataError

SIDE, BOX = 28, 20
"""Pixels of an image, and of the box that a digit fits into."""
LEAST_INK = 0.05
"""Pixels below this share of the brightest one count as background."""
MEGAPIXELS = 4
"""Larger pictures are refused."""


def from_drawing(drawing: dict[str, Any] | None) -> UInt8[np.ndarray, "28 28"]:
    """Return the digit that was drawn on a sketchpad.

    Args:
        drawing: the sketchpad's value: its layers are RGBA pictures, whose opacity is
            the ink.

    Raises:
        ValueError: if nothing is drawn.
    """
    layers = (drawing or {}).get("layers") or []
    inks = [np.asarray(layer)[..., 3] / 255 for layer in layers]
    if not inks or np.max(inks) == 0:
        raise ValueError("Nothing is drawn yet: draw a digit first.")
    return centred(np.max(inks, 0))


def from_file(path: str | Path) -> UInt8[np.ndarray, "28 28"]:
    """Return the digit in a picture, in white on black.

    A picture that is mostly bright is taken for black ink on white paper. One of
    28 × 28 pixels is taken as it is.

    Raises:
        ValueError: if the file is no picture, holds several, is too large, or empty.
    """
    name = Path(path).name
    try:
        with Image.open(path) as picture:
            size = picture.width * picture.height / 1e6
        if size > MEGAPIXELS:
            raise ValueError(
                f"{name} has {size:.0f} megapixels, and at most {MEGAPIXELS} are read: "
                "cut out the digit first."
            )
        found = data.read_images(Path(path)).images
    except (UnidentifiedImageError, DataError, OSError) as error:
        raise ValueError(f"{name} cannot be read as a picture.") from error
    if len(found) != 1:
        raise ValueError(f"{name} holds {len(found)} pictures: choose one with one.")
    (image,) = found
    pixels = image / 255 if image.dtype == np.uint8 else np.asarray(image, float)
    gray = pixels.mean(2)
    if np.median(gray) > 0.5:
        gray = 1 - gray
    if gray.max() - gray.min() < LEAST_INK:
        raise ValueError(f"{name} is of one colour: there is no digit in it.")
    if gray.shape == (SIDE, SIDE):
        return np.round(255 * gray).astype(np.uint8)
    return centred(gray - gray.min())


def centred(ink: Float[np.ndarray, "height width"]) -> UInt8[np.ndarray, "28 28"]:
    """Return a digit as MNIST has it: in a box of 20 × 20, centred by its mass.

    Args:
        ink: how much ink each pixel has, with a positive maximum.
    """
    ink = ink / ink.max()
    rows, columns = np.nonzero(ink > LEAST_INK)
    part = ink[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
    scale = BOX / max(part.shape)
    height, width = (max(1, round(scale * side)) for side in part.shape)
    small = Image.fromarray(part.astype(np.float32)).resize(
        (width, height), Image.Resampling.BOX if scale < 1 else Image.Resampling.BICUBIC
    )
    digit = np.clip(np.asarray(small), 0, 1)
    mass = digit.sum()
    places = [
        round((SIDE - 1) / 2 - float(np.sum(digit.sum(1 - axis) * np.arange(n)) / mass))
        for axis, n in enumerate(digit.shape)
    ]
    top, left = (
        int(np.clip(place, 0, SIDE - n))
        for place, n in zip(places, digit.shape, strict=True)
    )
    image = np.zeros((SIDE, SIDE))
    image[top : top + height, left : left + width] = digit / digit.max()
    return np.round(255 * image).astype(np.uint8)
