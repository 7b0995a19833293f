"""Images from an array of any layout: which axis is which, and what scale it has."""

import math

import numpy as np
from jaxtyping import Float, Shaped, UInt8

Images = UInt8[np.ndarray, "n h w c"] | Float[np.ndarray, "n h w c"]
"""Gray or colour images: uint8, or floats in [0, 1]."""

CHANNELS = (1, 3, 4)
"""Gray, colour, and colour with transparency."""
LEAST_SIDE = 8
"""Height and width of images, where an axis could be something else too."""
DIGIT = 28
FAINT = 16
"""Largest whole number that is too small to be white on the scale to 255."""


def as_images(
    array: Shaped[np.ndarray, "..."], *, any_number: bool = False
) -> tuple[Images, list[str]]:
    """Return the images in an array, and what was decided about it, in words.

    Args:
        array: one image or many, gray, in colour, or in colour with transparency; the
            channels first or last, or the pixels of each image in a row.
        any_number: whether the file that it is from knows one kind of number only, so
            that whole numbers may be stored as floats, and -1 may be black.

    Raises:
        ValueError: if it holds no images, if its axes can be read in two ways, or if
            its numbers are on no known scale.
    """
    images, said = _in_order(array)
    if not images.size:
        raise ValueError(f"expected images, found the shape {array.shape}")
    images, scale = _in_range(images, any_number)
    if images.shape[3] == 4:
        each = [composed(image[..., :3], image[..., 3:]) for image in in_floats(images)]
        images = np.stack([image for image, _ in each])
        said = [*said, *(word for _, word in each[:1])]
    return images, [*said, *scale]


def in_floats(images: np.ndarray) -> Float[np.ndarray, "*shape"]:
    """Return images in [0, 1], of single precision."""
    scale = 255 if images.dtype == np.uint8 else 1
    return (images / np.float64(scale)).astype(np.float32)


def in_bytes(images: np.ndarray) -> UInt8[np.ndarray, "*shape"]:
    """Return images from 0 to 255, rounded."""
    if images.dtype == np.uint8:
        return np.asarray(images)
    return np.round(images * np.float64(255)).astype(np.uint8)


def composed(
    colour: Float[np.ndarray, "h w c"], alpha: Float[np.ndarray, "h w 1"]
) -> tuple[Float[np.ndarray, "h w c"], str]:
    """Return a transparent image on black, or on white if more of it is seen there.

    Raises:
        ValueError: if nothing of it is seen on either.
    """
    on_black = colour * alpha
    on_white = on_black + (1 - alpha)
    contrasts = [np.ptp(image) for image in (on_black, on_white)]
    if alpha.min() < 1 and max(contrasts) == 0:
        raise ValueError("expected a picture, found one that is transparent everywhere")
    chosen = contrasts[1] > contrasts[0]
    ground = "white" if chosen else "black"
    image = on_white if chosen else on_black
    return np.clip(image, 0, 1).astype(np.float32), f"transparent: set on {ground}"


def _in_order(array: np.ndarray) -> tuple[np.ndarray, list[str]]:
    """Return an array as `[n, height, width, channels]`."""
    shape = array.shape
    match array.ndim:
        case 1:
            return _unflattened(array[None])
        case 2:
            return _of_two_axes(array)
        case 3:
            return _of_three_axes(array)
        case 4:
            order = _order_of_four(shape)
            return array.transpose(order), []
    raise ValueError(f"expected gray images [n, height, width], found {shape}")


def _side(pixels: int) -> int | None:
    """Return the side of a square of so many pixels; None if there is none."""
    side = math.isqrt(pixels)
    return side if side * side == pixels and side >= LEAST_SIDE else None


def _unflattened(array: np.ndarray) -> tuple[np.ndarray, list[str]]:
    count, pixels = array.shape
    side = _side(pixels)
    if side is None:
        raise ValueError(
            f"expected gray images, or rows of the pixels of square ones, found rows "
            f"of {pixels} numbers"
        )
    word = f"each row of {pixels} numbers was taken for an image of {side} × {side}"
    return array.reshape(count, side, side, 1), [word]


def _of_two_axes(array: np.ndarray) -> tuple[np.ndarray, list[str]]:
    height, width = array.shape
    digit = DIGIT * DIGIT
    if height == width:
        return array[None, ..., None], []
    if height == digit or (width != digit and _side(height) and 8 * height <= width):
        return _unflattened(array.T)
    slim = 4 * height <= width or 8 * width <= height
    if width == digit or (_side(width) and slim):
        return _unflattened(array)
    return array[None, ..., None], []


def _of_three_axes(array: np.ndarray) -> tuple[np.ndarray, list[str]]:
    first, second, third = array.shape
    digit = DIGIT * DIGIT
    if third == 1 and second == digit != first:
        return _unflattened(array[..., 0])
    if second == 1 and _side(third):
        return _unflattened(array[:, 0])
    if third in CHANNELS and min(first, second) >= LEAST_SIDE:
        return array[None], []
    if first == second != third:
        if first == DIGIT or 8 * first <= third:
            word = f"{third} images along the last axis of {array.shape}"
            return np.moveaxis(array, 2, 0)[..., None], [word]
        if third >= LEAST_SIDE:
            raise ValueError(
                f"cannot tell which axis of {array.shape} counts the images: save "
                "[n, height, width, 1]"
            )
    said = []
    if first in CHANNELS[1:]:
        said = [
            f"{array.shape} was taken for {first} gray images; one in colour has its "
            "channels last"
        ]
    return array[..., None], said


def _order_of_four(shape: tuple[int, ...]) -> tuple[int, int, int, int]:
    """Return the places of number, height, width and channels."""
    orders = [(0, 1, 2, 3), (0, 2, 3, 1), (3, 0, 1, 2)]
    possible = [order for order in orders if shape[order[3]] in CHANNELS]
    if len(possible) > 1:
        possible = [
            order
            for order in possible
            if min(shape[order[1]], shape[order[2]]) >= LEAST_SIDE
        ]
    if len(possible) != 1:
        raise ValueError(
            f"expected images [n, height, width, channels] with 1, 3 or 4 channels, "
            f"found {shape}"
        )
    return possible[0]


def _in_range(images: np.ndarray, any_number: bool) -> tuple[Images, list[str]]:
    """Return images as uint8 or as floats in [0, 1]."""
    kind = images.dtype
    if kind == np.bool_:
        return np.asarray(images, np.float32), []
    if not (np.issubdtype(kind, np.integer) or np.issubdtype(kind, np.floating)):
        raise ValueError(f"expected uint8 or floating point, found {kind}")
    low, high = images.min(), images.max()
    found = f"found {low:.5g} to {high:.5g}"
    if any_number and high > 1 and low >= 0 and (images == np.floor(images)).all():
        images, kind = images.astype(np.int64), np.dtype(np.int64)
    if np.issubdtype(kind, np.integer):
        if low == 0 and high == 1:
            return images.astype(np.float32), ["0 was taken for black, 1 for white"]
        if low < 0 or high > 255 or 1 < high <= FAINT:
            raise ValueError(
                f"expected whole numbers from 0 to 255, {found}: save floats in [0, 1]"
            )
        return images.astype(np.uint8), []
    if any_number and -1 <= low < 0 and high <= 1:
        word = "numbers from -1 to 1: -1 was taken for black, 1 for white"
        return ((images + 1) / 2).astype(np.float32), [word]
    if not (low >= 0 and high <= 1):  # also refuses NaN
        raise ValueError(f"expected pixels in [0, 1], {found}")
    return images.astype(np.float32), []
