"""Files that are complete or absent, with content that carries its own digest.

What was damaged on disk is noticed before it is parsed.
"""

import hashlib
import io
import json
import os
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

EMPTY = b"0" * 64
AFTER_JSON = b'"\n}\n'


def write(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write files under other names, and rename them, in order, when all are complete.

    Raises:
        OSError: if one of them cannot be written; older files are unchanged.
    """
    paths = {name: folder / f".{name}.tmp" for name in files}
    try:
        for name, content in files.items():
            paths[name].write_bytes(content)
        for name, path in paths.items():
            os.replace(path, folder / name)
    finally:
        for path in paths.values():
            path.unlink(missing_ok=True)


def seal_json(content: Mapping[str, Any]) -> bytes:
    """Return JSON whose last entry, `sha256`, is the digest of all text before it."""
    text = json.dumps({**content, "sha256": EMPTY.decode()}, indent=2) + "\n"
    return sealed(text.encode(), AFTER_JSON)


def open_json(data: bytes) -> dict[str, Any]:
    """Return what `seal_json` was given.

    Raises:
        ValueError: if the digest does not match.
    """
    _check(data, AFTER_JSON)
    content = json.loads(data)
    content.pop("sha256", None)
    return content


def seal_arrays(arrays: Mapping[str, Any]) -> bytes:
    """Return an `.npz` file whose comment is the digest of all bytes before it."""
    file = io.BytesIO()
    np.savez(file, **arrays)
    with zipfile.ZipFile(file, "a") as archive:
        archive.comment = EMPTY
    return sealed(file.getvalue(), b"")


def open_arrays(data: bytes) -> dict[str, np.ndarray]:
    """Return what `seal_arrays` was given.

    Raises:
        ValueError: if the digest does not match.
    """
    _check(data, b"")
    with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
        return dict(arrays)


def sealed(data: bytes, after: bytes) -> bytes:
    """Return the data with its digest in place of the 64 bytes before `after`."""
    before = data[: len(data) - len(after) - len(EMPTY)]
    return before + hashlib.sha256(before).hexdigest().encode() + after


def _check(data: bytes, after: bytes) -> None:
    if sealed(data, after) != data:
        raise ValueError("its digest is not that of what was written")
