"""Images of one's own: pictures, folders of them, arrays, tables, IDX and MATLAB files.

What a file is its content decides, not its name. Names matter only where several
arrays lie together: which are images, which labels, and which are to train or to test
with.
"""

import math
import re
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from jaxgan.data import arrays, idx, pictures, tables
from jaxgan.errors import DataError, MissingExtraError, first_line

MOST_BYTES = 1 << 33
"""Largest content that is unpacked."""
LOOKED_AT = 1000
"""Images of a large set of which it is checked that they are white on black."""
TRAIN = {"train", "training", "trn"}
TEST = {"test", "testing", "tst", "t10k"}
OTHER = {"val", "valid", "validation", "dev"}
IS_LABELS = {"label", "labels", "target", "targets", "class", "classes", "gnd", "y"}


class ImageSet(NamedTuple):
    """Images that were found together, each of its own size.

    Attributes:
        images: of shape [height, width, channels], with 1 or 3 channels; uint8, or
            floats in [0, 1].
        labels: what each is called; None if that is not known.
    """

    images: list[np.ndarray]
    labels: list[str] | None


class OwnImages(NamedTuple):
    """All images in a file or a folder.

    Attributes:
        sets: by `train`, `test` or, where nothing tells which they are, `all`.
        notices: what was decided in reading them, each in one line.
    """

    sets: dict[str, ImageSet]
    notices: list[str]

    @property
    def images(self) -> list[np.ndarray]:
        """The images to test with, if some are named so; else all."""
        return _chosen(self.sets, "test").images


class _Named(NamedTuple):
    """Arrays of a file, or images of a folder, before they are put together."""

    name: str
    array: np.ndarray
    is_labels: bool = False


def read_images(path: str | Path) -> OwnImages:
    """Read images of one's own, whatever they are in.

    >>> import numpy as np
    >>> from jaxgan import data
    >>> np.save("five.npy", np.zeros((5, 784), np.uint8))
    >>> found = data.read_images("five.npy")
    >>> len(found.images), found.images[0].shape, found.notices
    (5, (28, 28, 1), ['each row of 784 numbers was taken for an image of 28 × 28'])

    Args:
        path: a picture of any format that Pillow reads; a folder of pictures, or of
            folders whose names are labels; arrays in `.npy`, `.npz` or `.mat` files;
            a table of pixels (`.csv`); an IDX file; or a folder of such files. Folders,
            files and arrays whose names have `train` or `test` in them are the images
            to train and to test with.

    Raises:
        DataError: if there are no images, or what is found is not understood.
        MissingExtraError: if pictures are read and Pillow is not installed.
    """
    path = Path(path).expanduser()
    try:
        found, said = (_in_folder if path.is_dir() else _in_file)(path)
    except (DataError, MissingExtraError):
        raise
    except Exception as error:  # NumPy, SciPy and Pillow raise many kinds
        reason = error.strerror if isinstance(error, OSError) else None
        raise DataError(f"{path}: {reason or first_line(error)}") from error
    if not any(each.images for each in found.values()):
        raise DataError(f"{path}: expected images, found none")
    found, grays = _in_gray(found)
    return OwnImages(found, list(dict.fromkeys([*said, *grays, *_polarity(found)])))


def _chosen(sets: Mapping[str, ImageSet], split: str) -> ImageSet:
    return sets.get(split) or sets.get("all") or next(iter(sets.values()))


def _in_gray(sets: dict[str, ImageSet]) -> tuple[dict[str, ImageSet], list[str]]:
    """Return the images with one channel each, if none has colour; else with three."""

    def is_gray(image: np.ndarray) -> bool:
        return image.shape[2] == 1 or bool((image == image[..., :1]).all())

    if all(is_gray(image) for each in sets.values() for image in each.images):
        return {
            name: each._replace(images=[image[..., :1] for image in each.images])
            for name, each in sets.items()
        }, []
    return {
        name: each._replace(
            images=[
                np.broadcast_to(image, (*image.shape[:2], 3)) for image in each.images
            ]
        )
        for name, each in sets.items()
    }, []


def _polarity(sets: Mapping[str, ImageSet]) -> list[str]:
    every = [image for each in sets.values() for image in each.images]
    seen = every[:: max(1, len(every) // LOOKED_AT)]
    bright = sum(is_on_white(image) for image in seen)
    if bright == 0 or (len(seen) >= LOOKED_AT and 2 * bright < len(seen)):
        return []
    return [
        f"a bright border in {bright} of {len(seen)} images: if this is black ink on "
        "white paper, exchange black and white, for the shipped models know white ink "
        "on black"
    ]


def is_on_white(image: np.ndarray) -> bool:
    """Return whether the pixels at the border of an image are bright, in the median."""
    frame = [image[0], image[-1], image[1:-1, 0], image[1:-1, -1]]
    middle = np.median(np.concatenate([side.ravel() for side in frame]))
    return bool(middle > (127.5 if image.dtype == np.uint8 else 0.5))


def _words(name: str) -> set[str]:
    """Return the words of a name: `X_train`, `xTrain` and `train-images` have `train`.

    An x or y that is joined to the word for a split stands alone.
    """
    apart = re.sub(r"([a-z])([A-Z])", r"\1 \2", name).lower()
    words = re.findall(r"t10k|[a-z]+", apart)
    found = set(words)
    for word in words:
        for part in (word.removeprefix("x"), word.removesuffix("x")):
            if part in TRAIN | TEST | OTHER:
                found.add(part)
        for part in (word.removeprefix("y"), word.removesuffix("y")):
            if part != word and part in TRAIN | TEST | OTHER:
                found |= {part, "y"}
    return found


def _split_of(name: str) -> str:
    words = _words(name)
    for split, known in (("test", TEST), ("other", OTHER), ("train", TRAIN)):
        if words & known:
            return split
    return "all"


def _together(path: Path, parts: Iterable[_Named]) -> tuple[dict, list[str]]:
    """Put images and labels together by the names of their arrays."""
    images: dict[str, list[tuple[str, np.ndarray, str | None]]] = {}
    labels: dict[str, list[np.ndarray]] = {}
    said: list[str] = []
    for name, array, is_labels in parts:
        split = _split_of(name)
        if is_labels or (_words(name) & IS_LABELS and array.squeeze().ndim <= 1):
            labels.setdefault(split, []).append(array.ravel())
        else:
            own = re.fullmatch(r"(?!arr_)\D*?(\d+)", name)
            images.setdefault(split, []).append((name, array, own and own[1]))
    sets = {}
    if images.keys() == {"other"}:
        images, labels = {"all": images["other"]}, {"all": labels.get("other", [])}
    for split, several in images.items():
        if split == "other":
            said.append("images to validate with are left out")
            continue
        if len(several) > 1 and not all(number for _, _, number in several):
            names = ", ".join(name for name, _, _ in several)
            raise DataError(
                f"{path}: expected one array of images, found {names}; name those to "
                "train with x_train and those to test with x_test"
            )
        found, classes = [], []
        for _, array, number in several:
            found.append(array)
            classes += [number] * len(array)
        whole = [image for array in found for image in array]
        given = labels.get(split, [])
        called = [each for each in given if len(each) == len(whole)]
        if given and not called:
            raise DataError(
                f"{path}: expected a label for each of {len(whole)} images, found "
                f"{len(given[0])}"
            )
        if called:
            classes = [_called(label) for label in called[0]]
        elif len(several) == 1:
            classes = None
        sets[split] = ImageSet(whole, classes)
    if "all" in sets and len(sets) > 1:
        named = sets.pop("all")
        said.append(f"{len(named.images)} images that are in no named split left out")
    return sets, said


def _called(label: object) -> str:
    if isinstance(label, int | float | np.number) and float(label).is_integer():
        return str(int(label))
    return str(label)


def _in_file(path: Path) -> tuple[dict[str, ImageSet], list[str]]:
    """Return the images in one file."""
    parts, said = _parts(path)
    sets, more = _together(path, parts)
    return sets, [*said, *more]


def _parts(path: Path) -> tuple[list[_Named], list[str]]:
    """Return the arrays of a file, each by its name, images in their final order."""
    with path.open("rb") as file:
        start = file.read(512)
    if start[:2] == b"\x1f\x8b":
        start = idx.start_of(path, 512)
        return _unpacked(path, start)
    if start[:6] == b"\x93NUMPY":
        # Mapped, not read: the header may promise more than the file holds.
        return _arrays_in({path.stem: np.lib.format.open_memmap(path, mode="r")})
    if start[:1] == b"\x80":
        raise ValueError("a pickle, which can run programs: save arrays or pictures")
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
    return [_Named("picture", _one_each(found))], said


def _one_each(images: list[np.ndarray]) -> np.ndarray:
    """Return images as an array of them, each of its own size."""
    held = np.empty(len(images), object)
    held[:] = images
    return held


def _unpacked(path: Path, start: bytes) -> tuple[list[_Named], list[str]]:
    """Return what is in an IDX file or in a table, plain or gzipped."""
    aside = "emnist" in path.name.lower()
    if start[:2] == b"\0\0" and start[2:3] in idx.TYPES:
        array = idx.read_any(path)
        is_labels = array.ndim <= 2 and (array.ndim == 1 or array.shape[1] == 8)
        if is_labels:  # QMNIST's labels have eight columns, the class is the first
            return [_Named(path.name, array.reshape(len(array), -1)[:, 0], True)], []
        found, said = _turned(array, aside)
        parts, more = _arrays_in({path.name: found})
        return parts, [*said, *more]
    if start[:1] == b"\x80":
        raise ValueError("a pickle, which can run programs: save arrays or pictures")
    if not _is_text(start):
        raise ValueError("not an image")
    text = idx.start_of(path, MOST_BYTES).decode("utf-8-sig")
    table = tables.read_table(text)
    side = math.isqrt(table.pixels.shape[1])
    square = table.pixels.reshape(-1, side, side, 1)
    images, said = arrays.as_images(square, any_number=True)
    images, turned = _turned(images[..., 0], aside)
    parts = [_Named(path.name, images[..., None])]
    if table.labels is not None:
        parts.append(_Named(path.name, table.labels, True))
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


def _matlab(path: Path, start: bytes) -> tuple[list[_Named], list[str]]:
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
) -> tuple[list[_Named], list[str]]:
    """Return the images and labels among arrays."""
    parts, said = [], []
    alone = len(named) == 1
    for name, array in named.items():
        called = bool(_words(name) & IS_LABELS)
        if called and array.ndim == 2 and min(array.shape) > 1 and _is_one_hot(array):
            array = array.argmax(1)
        if array.squeeze().ndim <= 1 and (called or not alone):
            if array.size > 1 and array.dtype.kind in "iufbU":
                parts.append(_Named(name, array.ravel(), True))
            continue
        if array.dtype.kind not in "iufb" and not alone:
            continue
        images, words = arrays.as_images(array, any_number=any_number)
        parts.append(_Named(name, images))
        said += words
    return parts, said


def _is_one_hot(array: np.ndarray) -> bool:
    return array.dtype.kind in "iufb" and bool((array.sum(1) == 1).all())


def _in_folder(path: Path) -> tuple[dict[str, ImageSet], list[str]]:
    """Return the images below a folder."""
    inside = sorted(p for p in path.iterdir() if not p.name.startswith("."))
    folders = [p for p in inside if p.is_dir() and p.name != "__MACOSX"]
    files = [p for p in inside if p.is_file()]
    shown = [p for p in files if p.suffix.lower() in pictures.SUFFIXES]
    if shown:
        if folders and any(_has_pictures(folder) for folder in folders):
            raise DataError(f"{path}: expected pictures or folders of them, found both")
        return _pictures(path, {None: shown})
    parts, said = [], []
    for file in files:
        if file.suffix.lower() in ARRAYS or _magic(file) in (b"\0\0", b"\x1f\x8b"):
            try:
                found, words = _parts(file)
            except tables.NoPixels as error:  # such as an example of a submission
                found, words = [], [f"{file.name} is left out: {error}"]
            parts += found
            said += words
    if parts:
        sets, more = _together(path, parts)
        return sets, [*said, *more]
    splits = {folder: _split_of(folder.name) for folder in folders}
    if splits and "all" not in splits.values():
        sets = {}
        for folder, split in splits.items():
            if split != "other":
                found, words = _in_folder(folder)
                sets[split] = _chosen(found, split)
                said += words
        return sets, said
    labelled = {
        folder.name: [
            p for p in sorted(folder.iterdir()) if p.suffix.lower() in pictures.SUFFIXES
        ]
        for folder in folders
    }
    labelled = {name: found for name, found in labelled.items() if found}
    if labelled:
        return _pictures(path, labelled)
    if len(folders) == 1:
        return _in_folder(folders[0])
    return {}, said


ARRAYS = (".npy", ".npz", ".mat", ".csv", ".tsv")
"""Suffixes of the files in a folder that are read as arrays, in lower case."""


def _magic(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(2)


def _has_pictures(folder: Path) -> bool:
    return any(p.suffix.lower() in pictures.SUFFIXES for p in folder.iterdir())


def _pictures(
    path: Path, labelled: Mapping[Any, list[Path]]
) -> tuple[dict[str, ImageSet], list[str]]:
    images, labels, said = [], [], []
    for label, files in labelled.items():
        for file in files:
            try:
                found, words = pictures.read_picture(file)
            except MissingExtraError:
                raise
            except Exception as error:  # Pillow raises many kinds
                raise DataError(f"{file}: {first_line(error)}") from error
            images += found
            labels += [label] * len(found)
            said += words
    called = None if None in labelled else [str(label) for label in labels]
    return {"all": ImageSet(images, called)}, said
