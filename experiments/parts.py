"""Parts of a long computation: what is on disk is not computed again."""

import io
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol, TypeVar

import numpy as np

from experiments import hosts


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
    content = hosts.from_first(path.read_bytes() if path.exists() else b"")
    if content:
        with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
            return dict(arrays)
    found = compute()
    temporary = path.with_name(f".{path.name}")
    np.savez(temporary, **found)
    os.replace(temporary, path)
    return found
