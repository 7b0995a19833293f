"""The errors of the library; the message of each is one line for the user.

>>> from jaxgan import data, errors
>>> try:
...     data.load("mnist", "test", data_dir="/nowhere")
... except errors.DataError as error:
...     print(error)
/nowhere: expected a folder with official files, found none
"""

import errno
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = [
    "CheckpointError",
    "DataError",
    "MissingExtraError",
    "first_line",
    "is_out_of_memory",
    "needs_extra",
]

MOST_CHARACTERS = 500
"""Of the line that `first_line` returns."""

NO_MEMORY = ("resource_exhausted", "out of memory", "bad_alloc")
"""Words in the errors that JAX raises where memory is full."""


class DataError(ValueError):
    """Data is missing or malformed; the message names file, expected and found."""


class CheckpointError(Exception):
    """A checkpoint is missing, unreadable, or not what was saved."""


class MissingExtraError(ImportError):
    """A package that an optional part of jaxgan needs is not installed."""


@contextmanager
def needs_extra(extra: str) -> Iterator[None]:
    """Turn a failed import into one line that names the extra to install.

    Raises:
        MissingExtraError: if a package that is imported inside is not installed.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        raise MissingExtraError(
            f"the package {error.name} is not installed: pip install 'jaxgan[{extra}]'",
            name=error.name,
        ) from error


def first_line(error: Exception) -> str:
    """Return the first line of an exception's message, or its type if it has none."""
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return lines[0][:MOST_CHARACTERS]


def is_out_of_memory(error: Exception) -> bool:
    """Return whether an exception of Python, NumPy or JAX says that memory is full."""
    if isinstance(error, MemoryError):
        return True
    if isinstance(error, OSError):
        return error.errno == errno.ENOMEM
    said = str(error).lower() if isinstance(error, RuntimeError) else ""
    return any(words in said for words in NO_MEMORY)
