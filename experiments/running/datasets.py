"""The images that a command works with, and what its models were trained on."""

import sys
from collections.abc import Iterable, Mapping

from experiments.running.errors import UsageError
from experiments.running.options import DataOptions
from jaxgan import data, storage
from jaxgan.data import Dataset

DIGITS = (28, 28, 1)
"""Shape of the images of every dataset but one's own."""
TRAINED_ON = {"sample": ("mnist",)}
"""Datasets of which another is a part: the sample was drawn from MNIST's training
images, those that it calls its test images too."""


def load(
    options: DataOptions,
    shape: tuple[int, ...] | None = DIGITS,
    *,
    with_labels: bool = False,
) -> tuple[Dataset, Dataset]:
    """Return the images to train and to test with.

    Args:
        options: the flags.
        shape: of the images that the command can work with; None: any.
        with_labels: whether the command needs the classes of the images.

    Raises:
        UsageError: if images of one's own have another shape, or no labels.
        DataError: if the data is not available or is malformed.
    """
    if options.dataset != "own":
        train = data.load(options.dataset, "train", data_dir=options.data_dir)
        return train, data.load(train.name, "test", data_dir=options.data_dir)
    own = _own(options)
    found = own.train.images.shape[1:]
    if shape is not None and found != shape:
        raise UsageError(
            f"--data-dir {options.data_dir}: expected images of {_size(shape)} here, "
            f"found {_size(found)}"
        )
    if with_labels and not own.classes:
        raise UsageError(
            f"--data-dir {options.data_dir}: expected images with labels, found none"
        )
    return own.train, own.test


def test(options: DataOptions, shape: tuple[int, ...] | None = DIGITS) -> Dataset:
    """Return the images to test with; those to train with need not be there.

    Raises:
        UsageError, DataError: as `load`.
    """
    if options.dataset == "own":
        return load(options, shape)[1]
    real = data.load(options.dataset, "test", data_dir=options.data_dir)
    if shape is not None and real.images.shape[1:] != shape:
        raise UsageError(
            f"--dataset {real.name}: expected images of {_size(shape)} here, found "
            f"{_size(real.images.shape[1:])}"
        )
    return real


def _own(options: DataOptions) -> data.OwnData:
    assert options.data_dir is not None  # checked with the flags
    own = data.load_own(options.data_dir)
    tell(f"{options.data_dir}: {notice}" for notice in own.notices)
    return own


def tell(lines: Iterable[str]) -> None:
    """Write notices on standard error, each in a line."""
    for line in lines:
        print(f"notice: {line}", file=sys.stderr)


def _size(shape: tuple[int, ...]) -> str:
    channels = "" if len(shape) < 3 or shape[2] == 1 else f" × {shape[2]}"
    return " × ".join(map(str, shape[:2])) + channels


def about_models(models: Mapping[str, str | None], dataset: str) -> dict[str, str]:
    """Say on which data models were trained, if it is not what they are used on.

    Also said is that what are called test images are among a model's training images.

    Args:
        models: names or folders of models, by what they are; None for what is none.
        dataset: name of the images that they are used on; `files` are given ones.

    Returns:
        For `summary.json`: the data of each model, as far as its card has it.
    """
    trained = {}
    for what, source in models.items():
        known = source and storage.load_card(source).get("dataset")
        if not known:
            continue
        trained[f"{what}_trained_on"] = known
        if known in TRAINED_ON.get(dataset, ()):
            print(
                f"{source} was trained on {known}, of whose training images "
                f"{dataset} is a part: it has seen the images that are called test "
                "images here"
            )
        elif known != dataset:
            where = {"own": "your images", "files": "your files"}.get(dataset, dataset)
            print(f"{source} was trained on {known}, and is used on {where}")
    return trained
