"""A limit on the size of files, in place of a full disk."""

import contextlib
import resource


@contextlib.contextmanager
def of_at_most(size):
    """Let writing fail with an `OSError` beyond so many bytes of a file."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
