"""A long computation as a list of jobs, with a progress bar and stops between jobs."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

from experiments.running.errors import Interrupted
from experiments.running.progress import bar

T = TypeVar("T")


@dataclass(frozen=True)
class Job(Generic[T]):
    """A piece of work whose result is kept on disk.

    Attributes:
        name: text before the progress bar.
        size: number of units of work.
        run: returns the result, computed or read from disk.
    """

    name: str
    size: int
    run: Callable[[], T]


def run(
    jobs: Sequence[Job[T]], unit: str, stopping: Callable[[], bool], out: Path
) -> list[T]:
    """Run jobs one after the other; say near the start about how long they all take.

    Args:
        jobs: in the order in which they are run.
        unit: of their sizes, in the singular: `image`, `model`, …
        stopping: whether a signal has asked to stop, from `interruption`.
        out: folder of the run, whose page says after every job how far it is.

    Returns:
        Their results, in the same order.

    Raises:
        Interrupted: between two jobs, after a signal; finished jobs are kept on disk.
    """
    total, done, results = sum(job.size for job in jobs), 0, []
    with bar(out, total, unit) as piece:
        for job in jobs:
            if stopping():
                raise Interrupted(
                    f"stopped after {done} of {total} {unit}s; go on with --resume"
                )
            with piece(job.name, job.size):
                results.append(job.run())
            done += job.size
    return results
