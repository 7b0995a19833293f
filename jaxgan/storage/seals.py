"""Content that carries its own digest: what was damaged on disk is never parsed."""

import hashlib
import io
import json
import zipfile
from collections.abc import Mapping
from typing import Any

import numpy as np

EMPTY = b"0" * 64
AFTER_JSON = b'"\n}\n'


def seal_json(content: Mapping[str, Any]) -> bytes:
    """Write JSON whose last entry, `sha256`, is the digest of all text before it."""
    text = json.dumps({**content, "sha256": EMPTY.decode()}, indent=2) + "\n"
    return sealed(text.encode(), AFTER_JSON)


def open_json(data: bytes) -> dict[str, Any]:
    """Read what `seal_json` wrote.

    Raises:
        ValueError: if it is anything else.
    """
    _check(data, AFTER_JSON)
    content = json.loads(data)
    content.pop("sha256", None)
    return content


def seal_arrays(arrays: Mapping[str, Any]) -> bytes:
    """Write an `.npz` file whose comment is the digest of all bytes before it."""
    file = io.BytesIO()
    np.savez(file, **arrays)
    with zipfile.ZipFile(file, "a") as archive:
        archive.comment = EMPTY
    return sealed(file.getvalue(), b"")


def open_arrays(data: bytes) -> dict[str, np.ndarray]:
    """Read what `seal_arrays` wrote.

    Raises:
        ValueError: if it is anything else.
    """
    _check(data, b"")
    with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
        return dict(arrays)


def sealed(data: bytes, after: bytes) -> bytes:
    """Put the digest before `after`, which ends the data, in place of what is there."""
    before = data[: len(data) - len(after) - len(EMPTY)]
    return before + hashlib.sha256(before).hexdigest().encode() + after


def _check(data: bytes, after: bytes) -> None:
    if sealed(data, after) != data:
        raise ValueError("its digest is not that of what was written")
