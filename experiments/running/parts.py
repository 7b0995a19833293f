"""Results of a long computation, kept on disk in parts.

A part that is on disk is read, not computed again. One that is damaged is named in a
warning, renamed to `corrupt-<name>`, and computed again.
"""

import hashlib
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol, TypeVar, runtime_checkable

from tqdm import tqdm

from experiments.running import hosts
from experiments.running.run_folder import finite
from jaxgan.storage import seals


@runtime_checkable
class Named(Protocol):
    """A `NamedTuple`."""

    def _asdict(self) -> dict[str, Any]: ...


T = TypeVar("T", bound=Named)


def kept(path: Path, kind: Callable[..., T], compute: Callable[[], T]) -> T:
    """Return a part that is read from disk, or else computed and written.

    Args:
        path: an `.npz` file, in a folder that exists.
        kind: the part's class, a `NamedTuple` of arrays.
        compute: computes the part.
    """
    return kind(**kept_arrays(path, lambda: compute()._asdict()))


def kept_arrays(
    path: Path, compute: Callable[[], Mapping[str, Any]]
) -> Mapping[str, Any]:
    """Return arrays by name that are read from disk, or else computed and written."""
    return _kept(path, seals.open_arrays, seals.seal_arrays, compute)


def kept_numbers(path: Path, compute: Callable[[], Mapping[str, Any]]) -> Any:
    """Return numbers that are read from disk, or else computed and written.

    Args:
        path: a `.json` file in a folder of its own. It also holds the digests of all
            files that `compute` writes into this folder; if one of them is damaged,
            everything is computed again.
        compute: computes the numbers; those that are not finite become None.
    """
    before: dict[str, tuple[int, ...]] = {}

    def computed() -> Mapping[str, Any]:
        before.update(_stamps(path))
        return compute()

    def check(data: bytes) -> None:
        files, found = seals.open_json(data)["files"], _digests(path)
        wrong = [name for name, digest in files.items() if found.get(name) != digest]
        if wrong:
            raise ValueError(f"not as written: {', '.join(wrong)}")

    def parse(data: bytes) -> Any:
        return seals.open_json(data)["numbers"]

    def serialise(numbers: Mapping[str, Any]) -> bytes:
        after = _stamps(path)
        own = {n: d for n, d in _digests(path).items() if before.get(n) != after[n]}
        return seals.seal_json({"numbers": finite(numbers), "files": own})

    return _kept(path, parse, serialise, computed, check)


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
        # Hours may have passed, in which the folder was cleaned away.
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(f".{path.name}")
        temporary.write_bytes(content)
        os.replace(temporary, path)
    return parse(content)


def _sound(path: Path, check: Callable[[bytes], Any]) -> bytes:
    """Return the content of a file; empty if there is none, or it was set aside."""
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


def _beside(path: Path) -> dict[str, Path]:
    """Return all files beside `path` and below, by relative path."""
    folder = path.parent
    return {
        str(file.relative_to(folder)): file
        for file in sorted(folder.rglob("*"))
        if file.is_file() and path.name not in file.name
    }


def _digests(path: Path) -> dict[str, str]:
    return {
        name: hashlib.sha256(file.read_bytes()).hexdigest()
        for name, file in _beside(path).items()
    }


def _stamps(path: Path) -> dict[str, tuple[int, ...]]:
    """Return what changes for each file beside `path` when it is written."""
    found = {name: file.stat() for name, file in _beside(path).items()}
    return {name: (s.st_mtime_ns, s.st_ino, s.st_size) for name, s in found.items()}
