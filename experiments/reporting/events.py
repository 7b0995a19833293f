"""What is logged as event files, which TensorBoard shows."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from jaxgan.errors import needs_extra

Log = Callable[[Mapping[str, Any]], None]


def require() -> None:
    """Raise a `MissingExtraError` if tensorboardX is not installed."""
    with needs_extra("tensorboard"):
        import tensorboardX  # noqa: F401


@contextmanager
def logging(folder: Path, done: int) -> Iterator[Log]:
    """Yield a function that adds one logged epoch to event files in a folder.

    Args:
        folder: made if it does not exist.
        done: epochs that are done; TensorBoard drops what is later in older files.
    """
    from tensorboardX import SummaryWriter

    writer = SummaryWriter(str(folder), purge_step=done + 1)

    def log(row: Mapping[str, Any]) -> None:
        for name, value in row.items():
            writer.add_scalar(name, value, row["epoch"])
        writer.flush()

    try:
        yield log
    finally:
        writer.close()
