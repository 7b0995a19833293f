"""Datasets prepared by TensorFlow Datasets (TFDS), without TensorFlow.

TFDS's own builders of these datasets import TensorFlow to unzip and to decode; this one
reads the IDX files itself and stores uint8 tensors in array_record files.
"""

import contextlib
import http.client
import io
import sys
import threading
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow_datasets as tfds
from jaxtyping import UInt8
from tensorflow_datasets.core import constants
from tensorflow_datasets.core.download.checksums import UrlInfo
from tensorflow_datasets.core.utils import Size

from jaxgan.data.official import Source, find, read_split
from jaxgan.errors import DataError, first_line

VERSION = "1.0.0"

DATA_DIR: Path | None = None
"""Where datasets are prepared; None is TFDS's own folder (TFDS_DATA_DIR)."""


def builder(source: Source, *, given: bool = False) -> tfds.core.DatasetBuilder:
    """Return the TFDS builder of a source.

    Args:
        source: the dataset.
        given: take the files from TFDS's manual directory, not from the network.

    Raises:
        DataError: if the prepared dataset is unreadable.
    """

    class Digits(tfds.core.GeneratorBasedBuilder, skip_registration=True):
        VERSION = tfds.core.Version(VERSION)
        name = f"jaxgan_{source.name}"
        url_infos = {
            source.url + file.name: UrlInfo(
                size=Size(file.size),
                checksum=file.sha256,
                filename=file.name,
            )
            for file in source.files
        }

        if given:
            MANUAL_DOWNLOAD_INSTRUCTIONS = "The four official IDX files."

        def _info(self) -> tfds.core.DatasetInfo:
            # A record is a block of images: 60,000 single records take ten times
            # longer to read. Blocks are in the official order.
            stored = tfds.features.Encoding.BYTES
            features = {
                name: tfds.features.Tensor(
                    shape=(source.block, *shape), dtype=np.uint8, encoding=stored
                )
                for name, shape in (("images", (28, 28, 1)), ("labels", ()))
            }
            return tfds.core.DatasetInfo(
                builder=self,
                features=tfds.features.FeaturesDict(features),
                disable_shuffling=True,
            )

        def _split_generators(self, dl_manager):
            if given:
                paths = find(source, Path(dl_manager.manual_dir))
            else:
                urls = {file.name: source.url + file.name for file in source.files}
                downloaded: Any = dl_manager.download(urls)
                paths = {name: Path(path) for name, path in downloaded.items()}
            return {
                split: self._generate_examples(paths, split) for split in source.splits
            }

        def _generate_examples(self, paths: Mapping[str, Path], split: str):
            images, labels = read_split(source, split, paths)
            for start in range(0, len(images), source.block):
                block = slice(start, start + source.block)
                yield start, {"images": images[block], "labels": labels[block]}

    try:
        return Digits(data_dir=DATA_DIR, file_format="array_record")
    except Exception as error:  # TFDS raises many kinds
        folder = Path(DATA_DIR or constants.DATA_DIR) / Digits.name
        raise DataError(
            f"{folder}: unreadable, delete it to prepare it again: {first_line(error)}"
        ) from error


def is_prepared(source: Source) -> bool:
    """Return whether the dataset is ready to be read."""
    return Path(builder(source).data_dir).is_dir()


def prepare(source: Source, manual_dir: Path | None = None) -> None:
    """Store the dataset from the files in `manual_dir`, or from the network.

    Raises:
        DataError: if the files are not available, are not the official ones, or cannot
            be stored.
    """
    given = None if manual_dir is None else manual_dir.absolute()
    if not sys.stderr.isatty():
        tfds.disable_progress_bar()
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            builder(source, given=manual_dir is not None).download_and_prepare(
                download_config=tfds.download.DownloadConfig(manual_dir=given)
            )
    except DataError:
        raise
    except Exception as error:  # TFDS and its downloader raise many kinds
        if is_prepared(source):  # another process was faster
            return
        raise DataError(f"{source.name}: not prepared: {first_line(error)}") from error


def read(
    source: Source, split: str
) -> tuple[UInt8[np.ndarray, "n 28 28 1"], UInt8[np.ndarray, "n"]]:
    """Read a prepared split, in the official order.

    Raises:
        DataError: if the prepared dataset is unreadable or incomplete.
    """
    made: Any = builder(source)
    try:
        records = made.as_data_source(split)
        blocks = [records[i] for i in range(len(records))]
        images = np.concatenate([block["images"] for block in blocks])
        labels = np.concatenate([block["labels"] for block in blocks])
    except Exception as error:  # array_record and TFDS raise many kinds
        raise DataError(f"{made.data_dir}: unreadable: {first_line(error)}") from error
    if len(images) != (count := source.splits[split].num_examples):
        raise DataError(f"{made.data_dir}: expected {count} images, got {len(images)}")
    return images, labels


def answers(source: Source, seconds: float = 3.0) -> bool:
    """Return whether the source's server answers in time."""
    answered = threading.Event()

    def ask() -> None:
        request = urllib.request.Request(
            source.url + source.files[0].name, method="HEAD"
        )
        try:
            with urllib.request.urlopen(request, timeout=seconds):
                answered.set()
        except (OSError, http.client.HTTPException):
            pass
        finally:
            finished.set()

    # Name look-ups ignore time-outs, so the bound is on the thread that asks.
    finished = threading.Event()
    threading.Thread(target=ask, daemon=True).start()
    finished.wait(seconds)
    return answered.is_set()
