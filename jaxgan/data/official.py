"""The official files of the digit-image datasets: where they are, and their hashes."""

import contextlib
import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import UInt8

from jaxgan.data.idx import read_pair, start_of
from jaxgan.errors import DataError

MOST_NAMES = 8
"""Names of files that an error lists."""
MOST_BYTES = 1 << 27
"""No official file is larger."""


class File(NamedTuple):
    """One official file.

    Attributes:
        name: of the file, without a folder.
        size: of the gzipped file, in bytes.
        sha256: of the gzipped file.
        content_sha256: of the uncompressed content, where it is known.
    """

    name: str
    size: int
    sha256: str
    content_sha256: str | None = None


class Split(NamedTuple):
    """The two files of a split and the number of examples in each."""

    images: File
    labels: File
    num_examples: int


class Source(NamedTuple):
    """A dataset of gray 28×28 images in ten classes.

    Attributes:
        name: as `load` takes it.
        url: folder of the official files, with a slash at the end.
        splits: `train` and `test`.
        block: images stored in one record; divides every split's number.
    """

    name: str
    url: str
    splits: dict[str, Split]
    block: int = 1000

    @property
    def files(self) -> list[File]:
        """The files of all splits."""
        return [f for split in self.splits.values() for f in (split[0], split[1])]


def _source(name: str, url: str, *facts: tuple) -> Source:
    names = ("train-images-idx3", "train-labels-idx1")
    names += ("t10k-images-idx3", "t10k-labels-idx1")
    files = [
        File(f"{stem}-ubyte.gz", *fact) for stem, fact in zip(names, facts, strict=True)
    ]
    train, test = Split(files[0], files[1], 60_000), Split(files[2], files[3], 10_000)
    return Source(name, url, {"train": train, "test": test})


_OFFICIAL = [
    _source(
        "mnist",
        "https://storage.googleapis.com/cvdf-datasets/mnist/",
        (
            9912422,
            "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
            "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
        ),
        (
            28881,
            "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
            "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
        ),
        (
            1648877,
            "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
            "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
        ),
        (
            4542,
            "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
            "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
        ),
    ),
    _source(
        "fashion_mnist",
        "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
        (
            26421880,
            "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
        ),
        (29515, "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845"),
        (4422102, "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073"),
        (5148, "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5"),
    ),
    _source(
        "kmnist",
        "http://codh.rois.ac.jp/kmnist/dataset/kmnist/",
        (
            18165135,
            "51467d22d8cc72929e2a028a0428f2086b092bb31cfb79c69cc0a90ce135fde4",
        ),
        (29497, "e38f9ebcd0f3ebcdec7fc8eabdcdaef93bb0df8ea12bee65224341c8183d8e17"),
        (3041136, "edd7a857845ad6bb1d0ba43fe7e794d164fe2dce499a1694695a792adfac43c5"),
        (5120, "20bb9a0ef54c7db3efc55a92eef5582c109615df22683c380526788f98e42a1c"),
    ),
]

OFFICIAL = {source.name: source for source in _OFFICIAL}
"""The datasets, by name; sizes and hashes are those in TensorFlow Datasets."""


def find(
    source: Source, folder: Path, splits: Iterable[str] = ("train", "test")
) -> dict[str, Path]:
    """Return where the files of some splits are, in a folder or as torchvision has it.

    A file is found by its name, with `-` or `.` between the words, in capitals or not,
    with or without the ending `.gz`; else by its content.

    Returns:
        Paths by the full names of the files.

    Raises:
        DataError: if a file is missing.
    """
    if not folder.is_dir():
        found = "a file" if folder.is_file() else "none"
        raise DataError(
            f"{folder}: expected a folder with official files, found {found}"
        )
    wanted = [file for split in splits for file in source.splits[split][:2]]
    there = [
        path
        for place in _places(source, folder)
        for path in sorted(place.iterdir())
        if path.is_file()
    ]
    by_name = {_plain(path.name): path for path in reversed(there)}
    paths = {}
    for file in wanted:
        path = by_name.get(_plain(file.name)) or _by_content(file, there)
        if path is None:
            names = ", ".join(path.name for path in there[:MOST_NAMES])
            beside = f"; there are {names}" if names else ""
            if names and not by_name.keys() & {_plain(f.name) for f in source.files}:
                beside += ": images of your own are read with --dataset own"
            raise DataError(
                f"{folder}: expected a file {file.name}, found none{beside}"
            )
        paths[file.name] = path
    return paths


def _places(source: Source, folder: Path) -> list[Path]:
    """Return the folders in which other programs keep the files."""
    called = source.name.replace("_", "")
    inside = [p for p in sorted(folder.iterdir()) if p.is_dir()]
    own = [p for p in inside if p.name.lower().replace("_", "") in (called, "raw")]
    deeper = [p / "raw" for p in own if (p / "raw").is_dir()]
    return [folder, *own, *deeper]


def _plain(name: str) -> str:
    return name.lower().removesuffix(".gz").replace(".", "-").replace("_", "-")


def _by_content(file: File, there: Iterable[Path]) -> Path | None:
    """Return the file whose content is the official one, if there is one."""
    for path in there:
        with path.open("rb") as opened:
            start = opened.read(2)
        if start not in (b"\0\0", b"\x1f\x8b"):
            continue
        content = path.read_bytes()
        if hashlib.sha256(content).hexdigest() in (file.sha256, file.content_sha256):
            return path
        if start == b"\x1f\x8b" and file.content_sha256 is not None:
            with contextlib.suppress(DataError):
                content = start_of(path, MOST_BYTES)
                if hashlib.sha256(content).hexdigest() == file.content_sha256:
                    return path
    return None


def read_split(
    source: Source, split: str, paths: Mapping[str, Path]
) -> tuple[UInt8[np.ndarray, "n 28 28 1"], UInt8[np.ndarray, "n"]]:
    """Read and check the images and labels of one split.

    Raises:
        DataError: if a file is missing, malformed, or that of another dataset.
    """
    images, labels, count = source.splits[split]
    for file in (images, labels):
        _refuse_other(source, file, Path(paths[file.name]))
    return read_pair(
        Path(paths[images.name]),
        Path(paths[labels.name]),
        count,
        image_sha256=images.content_sha256,
        label_sha256=labels.content_sha256,
    )


def _refuse_other(source: Source, file: File, path: Path) -> None:
    """Raise a `DataError` if a file is known as one of another dataset."""
    found = {_digest(path)}
    if file.content_sha256 is None:  # else a wrong content is refused as it is read
        with contextlib.suppress(DataError):
            found.add(hashlib.sha256(start_of(path, MOST_BYTES)).hexdigest())
    if found & {file.sha256, file.content_sha256}:
        return
    for other in OFFICIAL.values():
        known = {f.sha256 for f in other.files} | {
            f.content_sha256 for f in other.files
        }
        if other.name != source.name and found & known:
            raise DataError(
                f"{path}: expected the {file.name} of {source.name}, found a file of "
                f"{other.name}"
            )


def _digest(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:  # said where it is read
        return ""
