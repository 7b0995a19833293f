"""IDX files, the format of MNIST, plain or gzipped; what is not valid is refused.

Format: two zero bytes, the element type (8: unsigned byte), the number of dimensions,
each dimension as a big-endian 32-bit integer, then the elements.
"""

import hashlib
import math
import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from jaxtyping import UInt8

from jaxgan.errors import DataError

UNSIGNED_BYTE = 8
TYPES = {
    b"\x08": ">u1",
    b"\x09": ">i1",
    b"\x0b": ">i2",
    b"\x0c": ">i4",
    b"\x0d": ">f4",
    b"\x0e": ">f8",
}
"""Types of elements, by their byte in the header."""
PIECE = 1 << 16


def read_idx(
    path: Path, shape: Sequence[int], *, sha256: str | None = None
) -> UInt8[np.ndarray, "*shape"]:
    """Read one IDX file of unsigned bytes.

    A gzipped file is recognised by its content, not by its name. At most one byte more
    than the shape needs is decompressed.

    Args:
        path: the file.
        shape: the shape it must have.
        sha256: hash of the uncompressed content, where it is known.

    Raises:
        DataError: if the file is missing, or is not exactly what is expected.
    """
    header_length = 4 + 4 * len(shape)
    length = header_length + math.prod(shape)
    content = start_of(path, length + 1)
    if not content:
        raise _wrong(path, "an IDX file", "an empty file")
    if content.lstrip()[:1] == b"<":
        raise _wrong(path, "an IDX file", "what looks like an HTML page")
    if len(content) < header_length:
        raise _wrong(path, f"a header of {header_length} bytes", f"{len(content)}")
    if content[:2] != b"\0\0":
        raise _wrong(path, "magic bytes 0000", content[:2].hex())
    if content[2] != UNSIGNED_BYTE:
        raise _wrong(path, f"element type {UNSIGNED_BYTE}", f"{content[2]}")
    if content[3] != len(shape):
        raise _wrong(path, f"{len(shape)} dimensions", f"{content[3]}")
    found = tuple(np.frombuffer(content[4:header_length], ">u4").tolist())
    if found != tuple(shape):
        raise _wrong(path, f"shape {tuple(shape)}", f"{found}")
    if len(content) < length:
        raise _wrong(path, f"{length} bytes", f"a file cut off after {len(content)}")
    if len(content) > length:
        raise _wrong(path, f"{length} bytes", "more bytes after them")
    digest = hashlib.sha256(content).hexdigest()
    if sha256 is not None and digest != sha256:
        raise _wrong(path, f"content with SHA-256 {sha256}", digest)
    return np.frombuffer(content, np.uint8, offset=header_length).reshape(shape)


def read_any(path: Path) -> np.ndarray:
    """Read an IDX file of any shape and type.

    Raises:
        DataError: if it is not whole.
    """
    header_length = 4 + 4 * start_of(path, 4)[3]
    header = start_of(path, header_length)
    kind = np.dtype(TYPES[header[2:3]])
    shape = np.frombuffer(header[4:], ">u4").tolist()
    length = header_length + kind.itemsize * math.prod(shape)
    content = start_of(path, length + 1)
    if len(content) != length:
        found = "fewer" if len(content) < length else "more"
        raise _wrong(path, f"{length} bytes for the shape {tuple(shape)}", found)
    return np.frombuffer(content, kind, offset=header_length).reshape(shape)


def read_pair(
    images: Path,
    labels: Path,
    count: int,
    *,
    image_shape: Sequence[int] = (28, 28),
    image_sha256: str | None = None,
    label_sha256: str | None = None,
) -> tuple[UInt8[np.ndarray, "n height width 1"], UInt8[np.ndarray, "n"]]:
    """Read images and their labels.

    Args:
        images: IDX file of `count` gray images.
        labels: IDX file of `count` labels.
        count: how many there must be in both.
        image_shape: height and width.
        image_sha256: hash of the images' uncompressed content, where it is known.
        label_sha256: the same of the labels.

    Raises:
        DataError: as `read_idx`, and if a label is above 9.
    """
    pixels = read_idx(images, (count, *image_shape), sha256=image_sha256)
    classes = read_idx(labels, (count,), sha256=label_sha256)
    if (highest := int(classes.max())) > 9:
        where = int(classes.argmax())
        raise _wrong(labels, "labels from 0 to 9", f"{highest} at index {where}")
    return pixels[..., None], classes


def _wrong(path: Path, expected: str, found: str) -> DataError:
    return DataError(f"{path}: expected {expected}, found {found}")


def start_of(path: Path, limit: int) -> bytes:
    """Return the first `limit` bytes of a file's content, uncompressed."""
    try:
        with path.open("rb") as file:
            start = file.read(2)
            file.seek(0)
            if start != b"\x1f\x8b":
                return file.read(limit)
            return _gunzip(path, file, limit)
    except FileNotFoundError:
        raise _wrong(path, "an IDX file", "no file") from None
    except OSError as error:
        raise _wrong(path, "a readable file", f"{error.strerror}") from error


def _gunzip(path: Path, file, limit: int) -> bytes:
    stream = zlib.decompressobj(wbits=31)
    content = bytearray()
    while not stream.eof and len(content) < limit:
        piece = stream.unconsumed_tail or file.read(PIECE)
        if not piece:
            raise _wrong(
                path, "a complete gzip file", f"its end after {len(content)} bytes"
            )
        try:
            content += stream.decompress(piece, limit - len(content))
        except zlib.error as error:
            raise _wrong(path, "a valid gzip file", f"{error}") from error
    if stream.eof and (stream.unused_data or file.read(1)):
        raise _wrong(path, "a single gzip member", "more bytes after it")
    return bytes(content)
