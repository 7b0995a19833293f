"""Images of one's own: those in files and folders, put together with their labels.

Names matter only where several arrays lie together: which are images, which labels, and
which are to train or to test with.
"""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from jaxgan.data import files, names, pictures, tables
from jaxgan.errors import DataError, MissingExtraError, first_line

LOOKED_AT = 1000
"""Images of a large set of which it is checked that they are white on black."""


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
        found, said = _in_folder(path) if path.is_dir() else _in_file(path)
    except (DataError, MissingExtraError):
        raise
    except Exception as error:  # NumPy, SciPy and Pillow raise many kinds
        reason = error.strerror if isinstance(error, OSError) else None
        raise DataError(f"{path}: {reason or first_line(error)}") from error
    if not any(each.images for each in found.values()):
        raise DataError(f"{path}: expected images, found none")
    found = _in_gray(found)
    return OwnImages(found, list(dict.fromkeys([*said, *_polarity(found)])))


def _chosen(sets: Mapping[str, ImageSet], split: str) -> ImageSet:
    return sets.get(split) or sets.get("all") or next(iter(sets.values()))


def _in_gray(sets: Mapping[str, ImageSet]) -> dict[str, ImageSet]:
    """Return the images with one channel each, if none has colour; else with three."""

    def is_gray(image: np.ndarray) -> bool:
        return image.shape[2] == 1 or bool((image == image[..., :1]).all())

    gray = all(is_gray(image) for each in sets.values() for image in each.images)

    def alike(image: np.ndarray) -> np.ndarray:
        if gray:
            return image[..., :1]
        return np.broadcast_to(image, (*image.shape[:2], 3))

    return {
        name: each._replace(images=[alike(image) for image in each.images])
        for name, each in sets.items()
    }


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


def _in_file(path: Path) -> tuple[dict[str, ImageSet], list[str]]:
    """Return the images in one file, and what was decided in reading them."""
    parts, said = files.read_file(path)
    sets, more = _together(path, parts)
    return sets, [*said, *more]


def _together(path: Path, parts: Iterable[files.Named]) -> tuple[dict, list[str]]:
    """Put images and labels together by the names of their arrays."""
    images: dict[str, list[tuple[str, np.ndarray, str | None]]] = {}
    labels: dict[str, list[np.ndarray]] = {}
    said: list[str] = []
    for name, array, is_labels in parts:
        split = names.split_of(name)
        if is_labels or (names.is_of_labels(name) and array.squeeze().ndim <= 1):
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
            every = ", ".join(name for name, _, _ in several)
            raise DataError(
                f"{path}: expected one array of images, found {every}; name those to "
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


def _in_folder(path: Path) -> tuple[dict[str, ImageSet], list[str]]:
    """Return the images below a folder."""
    inside = sorted(p for p in path.iterdir() if not p.name.startswith("."))
    folders = [p for p in inside if p.is_dir() and p.name != "__MACOSX"]
    single = [p for p in inside if p.is_file()]
    shown = [p for p in single if p.suffix.lower() in pictures.SUFFIXES]
    if shown:
        if folders and any(_has_pictures(folder) for folder in folders):
            raise DataError(f"{path}: expected pictures or folders of them, found both")
        return _pictures(path, {None: shown})
    parts, said = [], []
    for file in single:
        if files.holds_arrays(file):
            try:
                found, words = files.read_file(file)
            except tables.NoPixels as error:  # such as an example of a submission
                found, words = [], [f"{file.name} is left out: {error}"]
            parts += found
            said += words
    if parts:
        sets, more = _together(path, parts)
        return sets, [*said, *more]
    splits = {folder: names.split_of(folder.name) for folder in folders}
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


def _has_pictures(folder: Path) -> bool:
    return any(p.suffix.lower() in pictures.SUFFIXES for p in folder.iterdir())


def _pictures(
    path: Path, labelled: Mapping[Any, list[Path]]
) -> tuple[dict[str, ImageSet], list[str]]:
    images, labels, said = [], [], []
    for label, several in labelled.items():
        for file in several:
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
