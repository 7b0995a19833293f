"""Turn the first SIGINT or SIGTERM into a request that the run looks at when it can."""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from experiments import hosts


@contextmanager
def stop_requested() -> Iterator[Callable[[], bool]]:
    """Give a function that tells whether a signal has asked to stop, in any process.

    All processes of a run must call it together.

    The signal's usual effect is back after the first one, so a second leaves at once.
    """
    signals = (signal.SIGINT, signal.SIGTERM)
    usual = {number: signal.getsignal(number) for number in signals}
    received = []

    def restore() -> None:
        for number, handler in usual.items():
            signal.signal(number, handler)

    def on_signal(number: int, frame: object) -> None:
        del frame
        received.append(number)
        restore()

    for number in signals:
        signal.signal(number, on_signal)
    try:
        yield lambda: hosts.any_process(bool(received))
    finally:
        restore()
