"""Standard streams that never end a run: words are lost rather than results.

Imports nothing heavy.
"""

import errno
import io
import os
import sys
from typing import TextIO

STDIN, STDOUT, STDERR = 0, 1, 2
GONE = (errno.EPIPE, errno.EIO, errno.EBADF)
"""Errors of a pipe or a terminal at whose other end nobody is any more."""


class _Lenient(io.FileIO):
    """A descriptor on which words are lost when they cannot be written."""

    failed = False

    def write(self, data) -> int:
        try:
            return super().write(data) or 0
        except OSError as error:
            if self.fileno() == STDOUT and not self.failed and error.errno not in GONE:
                line = f"warning: standard output: {error.strerror}"
                print(line, file=sys.stderr, flush=True)
            self.failed = True
            return len(memoryview(data).cast("B"))


def prepare() -> None:
    """Replace standard output and error by streams that take any text, and never fail.

    Characters that the terminal's encoding has not are written as `?`. Streams that
    are closed are opened to nowhere: a file would get their number, and what libraries
    write to standard error would end in it.
    """
    for number in (STDIN, STDOUT, STDERR):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # the lowest number that is free
    sys.stdout = _lenient(sys.stdout, STDOUT)
    sys.stderr = _lenient(sys.stderr, STDERR)


def _lenient(stream: TextIO | None, number: int) -> TextIO:
    """Return a stream in place of one that writes to this descriptor."""
    if stream is not None:
        try:
            if stream.fileno() != number:
                return stream
            stream.flush()
        except (OSError, ValueError):  # none beneath it: a notebook's, or a test's
            return stream
    at_once = number == STDERR or os.isatty(number)
    return io.TextIOWrapper(
        io.BufferedWriter(_Lenient(number, "w", closefd=False)),
        encoding=stream.encoding if stream is not None else "utf-8",
        errors="replace" if number == STDOUT else "backslashreplace",
        line_buffering=at_once,
        write_through=at_once,
    )
