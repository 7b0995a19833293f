"""What goes wrong at the borders of the library, each with one line that says what."""

from collections.abc import Iterator
from contextlib import contextmanager

LONGEST = 500
"""Characters of another library's message that are kept."""


class DataError(ValueError):
    """Data that is missing or malformed; the message names file, expected and found."""


class CheckpointError(Exception):
    """A checkpoint is missing, unreadable, or not what was saved."""


class MissingExtraError(ImportError):
    """A package is not installed that an optional part of jaxgan needs."""


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
    return lines[0][:LONGEST]
