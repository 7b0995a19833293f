"""Parts of a long computation: what is sound on disk is not computed again.

A part that is damaged is named, set aside as `corrupt-<name>`, and computed again.
"""

import hashlib
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol, TypeVar

from tqdm import tqdm

from experiments.running import hosts
from experiments.running.run_folder import finite
from jaxgan.storage import seals


class Named(Protocol):
    """A `NamedTuple`."""

    def _asdict(self) -> dict[str, Any]: ...


T = TypeVar("T", bound=Named)


def kept(path: Path, kind: Callable[..., T], compute: Callable[[], T]) -> T:
    """Read a part, or compute and write it at one stroke.

    Args:
        path: an `.npz` file, in a folder that exists.
        kind: makes the part, a `NamedTuple`, from its arrays.
        compute: makes it anew.
    """
    return kind(**kept_arrays(path, lambda: compute()._asdict()))


def kept_arrays(
    path: Path, compute: Callable[[], Mapping[str, Any]]
) -> Mapping[str, Any]:
    """Read arrays by name, or compute and write them at one stroke."""
    return _kept(path, seals.open_arrays, seals.seal_arrays, compute)


def kept_numbers(path: Path, compute: Callable[[], Mapping[str, Any]]) -> Any:
    """Read the numbers of a folder, or compute them, and then write them.

    Args:
        path: a `.json` file in a folder of its own, with the digests of the files that
            `compute` puts there: if one of these is damaged, all is computed again.
        compute: makes the numbers; those that are not finite are read as None.
    """

    def check(data: bytes) -> None:
        files, found = seals.open_json(data)["files"], _digests(path)
        wrong = [name for name, digest in files.items() if found.get(name) != digest]
        if wrong:
            raise ValueError(f"not as written: {', '.join(wrong)}")

    def parse(data: bytes) -> Any:
        return seals.open_json(data)["numbers"]

    def serialise(numbers: Mapping[str, Any]) -> bytes:
        return seals.seal_json({"numbers": finite(numbers), "files": _digests(path)})

    return _kept(path, parse, serialise, compute, check)


def _kept(
    path: Path,
    parse: Callable[[bytes], Any],
    serialise: Callable[[Any], bytes],
    compute: Callable[[], Any],
    check: Callable[[bytes], Any] | None = None,
) -> Any:
    content = hosts.from_first(_sound(path, check or parse))
    if not content:
        content = serialise(compute())
        temporary = path.with_name(f".{path.name}")
        temporary.write_bytes(content)
        os.replace(temporary, path)
    return parse(content)


def _sound(path: Path, check: Callable[[bytes], Any]) -> bytes:
    """Read a file, or set it aside if there is anything wrong with it; then empty."""
    if not path.exists():
        return b""
    try:
        content = path.read_bytes()
        check(content)
    except (OSError, ValueError) as error:
        path.replace(path.with_name(f"corrupt-{path.name}"))
        line = f"warning: {path}: {error}; set aside and computed again"
        tqdm.write(line, sys.stderr)
        return b""
    return content


def _digests(path: Path) -> dict[str, str]:
    """Digests of all files beside `path` and below, by their paths from there."""
    folder = path.parent
    return {
        str(file.relative_to(folder)): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in sorted(folder.rglob("*"))
        if file.is_file() and path.name not in file.name
    }
