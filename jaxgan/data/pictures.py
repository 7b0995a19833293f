"""Pictures in files such as PNG, by what they are: mode, depth, transparency, pages."""

import io
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from jaxgan.data.arrays import composed
from jaxgan.errors import needs_extra

MOST_PIXELS = 1 << 24
"""Most pixels of a file that are read: a small file can claim more than memory has."""
MOST_BYTES = 1 << 28
"""Most bytes of a file that are read: sixteen for each of the most pixels."""
PAGED = ("TIFF", "GIF", "PNG", "WEBP")
"""Formats whose further pages are images like the first."""
PHOTOMETRIC, WHITE_IS_ZERO = 262, 0
"""Tag of a TIFF, and its value if black is the largest number."""
SUFFIXES = (
    *(".png", ".jpg", ".jpeg", ".bmp", ".gif", ".tif", ".tiff", ".webp", ".pgm"),
    *(".ppm", ".pbm", ".pnm", ".jp2", ".tga"),
)
"""Of the files in a folder that are taken for pictures, in lower case."""

Picture = Float[np.ndarray, "h w c"]


def read_picture(path: Path) -> tuple[list[Picture], list[str]]:
    """Return the pages of a picture in [0, 1], and what was decided, in words.

    Each is gray or has three channels. Turned cameras are turned back.

    Raises:
        ValueError: if the file is no picture, or one of a kind that is not known.
        MissingExtraError: if Pillow is not installed.
    """
    with needs_extra("experiments"):
        from PIL import Image, ImageOps, UnidentifiedImageError

    if (size := path.stat().st_size) > MOST_BYTES:
        raise ValueError(f"{size} bytes are too many for one picture")
    # From memory, for a file would reserve as many bytes as its header claims.
    content = io.BytesIO(path.read_bytes())
    with warnings.catch_warnings(action="ignore"):  # of odd metadata, and of size
        try:
            image = Image.open(content)
        except UnidentifiedImageError:
            raise ValueError("not an image") from None
        frames = getattr(image, "n_frames", 1)
        pages = frames if image.format in PAGED else 1
        width, height = image.size
        if width * height * pages > MOST_PIXELS:
            raise ValueError(f"{pages} × {width} × {height} pixels are too many")
        found, said = [], []
        if pages > 1:
            said.append(f"{pages} pages, each taken for an image")
        elif frames > 1:
            said.append(f"{frames} pictures in one file, the first was taken")
        for page in range(pages):
            image.seek(page)
            image.load()
            upright = ImageOps.exif_transpose(image)
            tags = getattr(image, "tag_v2", {})
            is_negative = tags.get(PHOTOMETRIC) == WHITE_IS_ZERO
            pixels, word = _pixels(upright, str(image.format), is_negative)
            found.append(pixels)
            said.extend(word)
    return found, said


def _pixels(image: Any, format: str, is_negative: bool) -> tuple[Picture, list[str]]:
    """Return a Pillow image in [0, 1], gray or in colour."""
    mode = image.mode
    if mode == "F":
        return _floats(np.asarray(image)), []
    if mode == "I;16" or mode.startswith("I;16") or (mode, format) in DEEP:
        return _deep(image, is_negative)
    if mode == "I":
        raise ValueError("expected gray of 8 or 16 bits, found integers of 32 bits")
    has_alpha = mode in ("LA", "La", "PA", "RGBA", "RGBa")
    if has_alpha or "transparency" in image.info:
        gray = mode in ("LA", "La", "L", "1")
        array = np.asarray(image.convert("RGBA")) / np.float32(255)
        colour, alpha = array[..., :3], array[..., 3:]
        if gray:
            colour = colour[..., :1]
        if alpha.min() == 1:
            return colour, []
        pixels, word = composed(colour, alpha)
        return pixels, [word]
    if mode in ("1", "L"):
        array = np.asarray(image.convert("L"))[..., None]
    elif mode in ("P", "RGB", "RGBX", "CMYK", "YCbCr", "HSV"):
        array = np.asarray(image.convert("RGB"))
    else:
        raise ValueError(f"expected gray or colour, found a picture of the mode {mode}")
    return array / np.float32(255), []


DEEP = (("I", "PNG"), ("I", "PPM"))
"""Modes and formats in which Pillow returns 16 bits as integers of 32 bits."""


def _deep(image: Any, is_negative: bool) -> tuple[Picture, list[str]]:
    array = np.asarray(image)
    deepest = int(array.max(initial=0))
    if array.min(initial=0) < 0 or deepest > 65535:
        raise ValueError("expected gray of 16 bits, found other numbers")
    if is_negative:  # which Pillow turns into positives for 8 bits only
        array = 65535 - array
    pixels = (array / 65535).astype(np.float32)[..., None]
    clear = image.info.get("transparency")
    if isinstance(clear, int) and (array == clear).any():
        pixels, word = composed(pixels, (array != clear).astype(np.float32)[..., None])
        return pixels, [word]
    return pixels, list(_faint(deepest))


def _faint(deepest: int) -> Iterator[str]:
    if 0 < deepest < 4096:
        yield (
            f"of 65535 levels of gray the brightest is {deepest}: if white is less "
            "than 65535, scale it before"
        )


def _floats(array: np.ndarray) -> Picture:
    if not (array.min() >= 0 and array.max() <= 1):  # also refuses NaN
        raise ValueError(
            f"expected floats in [0, 1], found {array.min():.3g} to {array.max():.3g}"
        )
    return array.astype(np.float32)[..., None]
