"""How far a computation is, and how long it will take, said once near its start."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from tqdm import tqdm

from experiments.reporting import page

SOON = 60.0
"""Seconds: nothing is said of a shorter wait."""
LONG = 20.0
"""Seconds: after a first piece that took longer, the second one is not waited for. It
may have been compiled as well, so that too much is said rather than too little."""


Piece = Callable[[str, int], AbstractContextManager[None]]
"""`with piece(name, size):` computes a piece of the whole, `size` in the bar's unit."""


@contextmanager
def bar(out: Path, total: int, unit: str) -> Iterator[Piece]:
    """Show one progress bar over a computation, and say about how long it takes.

    Args:
        out: folder of the run, whose page says after every piece how far it is.
        total: size of all pieces; it is raised if they turn out to be more.
        unit: of the sizes, in the singular: `image`, `model`, … or `%`.
    """
    timed, done = forecast(), 0
    with tqdm(total=total, unit=unit, disable=None) as shown:

        @contextmanager
        def piece(name: str, size: int) -> Iterator[None]:
            nonlocal done
            shown.set_description(name)
            yield
            done += size
            shown.total = max(total, done)
            shown.update(size)
            timed(size, max(0, total - done))
            page.write(out, page.Progress(done, max(total, done), unit))

        yield piece


def forecast() -> Callable[[int, int], None]:
    """Return a function that is called after every piece of a computation.

    `done(size, left)` is told the size of the piece and of all that are left. It writes
    one line on standard output, above the progress bar, as soon as it knows about how
    long these take: after the second piece, since the first one may have been compiled,
    or after a first one that was long. What is read from disk takes no time, and tells
    nothing.
    """
    before = time.perf_counter()
    timed = 0
    said = False

    def done(size: int, left: int) -> None:
        nonlocal before, timed, said
        now = time.perf_counter()
        seconds, before = now - before, now
        if said or not size or seconds < 1e-2 * SOON * size / max(size, left):
            return
        timed += 1
        said = timed == 2 or seconds > LONG
        wait = seconds / size * left
        if said and wait >= SOON:
            tqdm.write(f"this takes about {in_words(wait)} more", sys.stdout)

    return done


def in_words(seconds: float) -> str:
    """Return a time in minutes or hours."""
    minutes = round(seconds / 60)
    if minutes < 90:
        return "1 minute" if minutes == 1 else f"{minutes} minutes"
    return f"{seconds / 3600:.1f} hours"
