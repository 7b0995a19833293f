"""The arrays in one file: a picture, an array, an archive, a table, IDX or MATLAB.

What a file is its content decides, not its name.
"""

import math
import re
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np

from jaxgan.data import arrays, idx, names, pictures, tables
from jaxgan.errors import first_line

MOST_BYTES = 1 << 33
"""Largest content that is unpacked."""
ARRAYS = (".npy", ".npz", ".mat", ".csv", ".tsv")
"""Suffixes of the files in a folder that are read as arrays, in lower case."""


class Named(NamedTuple):
    """An array of a file, before arrays are put together.

    Attributes:
        name: of the array, or of the file.
        array: labels, or images `[n, height, width, channels]`; images of their own
            sizes as an array of objects.
        is_labels: whether it is known to hold labels.
    """

    name: str
    array: np.ndarray
    is_labels: bool = False


def holds_arrays(path: Path) -> bool:
    """Return whether a file in a folder is read as arrays, by its suffix or its start.

    Other files, such as notes, may lie beside the images.
    """
    if path.suffix.lower() in ARRAYS:
        return True
    with path.open("rb") as file:
        return file.read(2) in (b"\0\0", b"\x1f\x8b")


def read_file(path: Path) -> tuple[list[Named], list[str]]:
    """Return the arrays of a file by their names, and what was decided in reading them.

    Raises:
        ValueError: if it is not understood; NumPy, SciPy and Pillow raise other kinds.
    """
    with path.open("rb") as file:
        start = file.read(512)
    is_gzipped = start[:2] == b"\x1f\x8b"
    if is_gzipped:
        start = idx.start_of(path, 512)
    if start[:1] == b"\x80":
        raise ValueError("a pickle, which can run programs: save arrays or pictures")
    if is_gzipped:
        return _unpacked(path, start)
    if start[:6] == b"\x93NUMPY":
        # Mapped, not read: the header may promise more than the file holds.
        return _arrays_in({path.stem: np.lib.format.open_memmap(path, mode="r")})
    if start[:2] == b"PK":
        return _arrays_in(_npz(path))
    if start[:6] == b"MATLAB" or start[:8] == b"\x89HDF\r\n\x1a\n":
        return _matlab(path, start)
    if start[:2] == b"\0\0" and start[2:3] in idx.TYPES:
        return _unpacked(path, start)
    try:
        found, said = pictures.read_picture(path)
    except ValueError as error:
        if str(error) != "not an image" or not _is_text(start):
            raise
        return _unpacked(path, start)
    return [Named("picture", _one_each(found))], said


def _one_each(images: list[np.ndarray]) -> np.ndarray:
    """Return images as an array of them, each of its own size."""
    held = np.empty(len(images), object)
    held[:] = images
    return held


def _unpacked(path: Path, start: bytes) -> tuple[list[Named], list[str]]:
    """Return what is in an IDX file or in a table, plain or gzipped."""
    aside = "emnist" in path.name.lower()
    if start[:2] == b"\0\0" and start[2:3] in idx.TYPES:
        array = idx.read_any(path)
        is_labels = array.ndim <= 2 and (array.ndim == 1 or array.shape[1] == 8)
        if is_labels:  # QMNIST's labels have eight columns, the class is the first
            return [Named(path.name, array.reshape(len(array), -1)[:, 0], True)], []
        found, said = _turned(array, aside)
        parts, more = _arrays_in({path.name: found})
        return parts, [*said, *more]
    if not _is_text(start):
        raise ValueError("not an image")
    text = idx.start_of(path, MOST_BYTES).decode("utf-8-sig")
    table = tables.read_table(text)
    side = math.isqrt(table.pixels.shape[1])
    square = table.pixels.reshape(-1, side, side, 1)
    images, said = arrays.as_images(square, any_number=True)
    images, turned = _turned(images[..., 0], aside)
    parts = [Named(path.name, images[..., None])]
    if table.labels is not None:
        parts.append(Named(path.name, table.labels, True))
    return parts, [*table.said, *turned, *said]


def _turned(images: np.ndarray, aside: bool) -> tuple[np.ndarray, list[str]]:
    if not aside or images.ndim != 3:
        return images, []
    return images.swapaxes(1, 2), ["EMNIST has rows for columns: they were exchanged"]


def _is_text(start: bytes) -> bool:
    text = start.decode("utf-8-sig", errors="ignore")
    shown = all(letter.isprintable() or letter.isspace() for letter in text)
    return shown and bool(re.search(r"\d", text))


def _npz(path: Path) -> dict[str, np.ndarray]:
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            members = [name for name in archive.zip.namelist() if name.endswith(".npy")]
            if not members:
                raise ValueError("an archive without arrays: unpack it")
            return {name.removesuffix(".npy"): archive[name] for name in members}
    except zipfile.BadZipFile as error:
        raise ValueError(f"not an archive of arrays: {first_line(error)}") from error


def _matlab(path: Path, start: bytes) -> tuple[list[Named], list[str]]:
    from scipy import io

    if b"HDF" in start[:8] or start[:10] == b"MATLAB 7.3":
        raise ValueError("a MATLAB file of version 7.3, or HDF5: save it with -v7")
    found = io.loadmat(path, struct_as_record=True, squeeze_me=False)
    named = {k: v for k, v in found.items() if not k.startswith("__")}
    said = []
    if "dataset" in named and (fields := _emnist(named["dataset"])):
        named = fields
        said = ["EMNIST has rows for columns: they were exchanged"]
    for name, array in list(named.items()):
        side = math.isqrt(array.shape[0]) if array.ndim == 3 else 0
        if array.ndim == 3 and side * side == array.shape[0] and side >= 8:
            # Pixels, images, classes, as in usps_all.mat.
            _, count, classes = array.shape
            if classes < side < count:
                named[name] = array.transpose(2, 1, 0).reshape(-1, side, side)
                named["labels"] = np.repeat((np.arange(classes) + 1) % 10, count)
                said.append(f"{name}: {classes} classes of {count} images")
    parts, more = _arrays_in(named, any_number=True)
    return parts, [*said, *more]


def _emnist(dataset: np.ndarray) -> dict[str, np.ndarray]:
    """Return images and labels in the nested record of EMNIST's own files."""
    found = {}
    for split in ("train", "test"):
        part = dataset[split][0, 0]
        images = part["images"][0, 0]
        side = math.isqrt(images.shape[1])
        found[f"x_{split}"] = images.reshape(-1, side, side).swapaxes(1, 2)
        found[f"y_{split}"] = part["labels"][0, 0].ravel()
    return found


def _arrays_in(
    named: Mapping[str, np.ndarray], *, any_number: bool = False
) -> tuple[list[Named], list[str]]:
    """Return the images and labels among arrays."""
    parts, said = [], []
    alone = len(named) == 1
    for name, array in named.items():
        called = names.is_of_labels(name)
        if called and array.ndim == 2 and min(array.shape) > 1 and _is_one_hot(array):
            array = array.argmax(1)
        if array.squeeze().ndim <= 1 and (called or not alone):
            if array.size > 1 and array.dtype.kind in "iufbU":
                parts.append(Named(name, array.ravel(), True))
            continue
        if array.dtype.kind not in "iufb" and not alone:
            continue
        images, words = arrays.as_images(array, any_number=any_number)
        parts.append(Named(name, images))
        said += words
    return parts, said


def _is_one_hot(array: np.ndarray) -> bool:
    return array.dtype.kind in "iufb" and bool((array.sum(1) == 1).all())
