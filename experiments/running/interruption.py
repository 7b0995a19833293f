"""Turn the first SIGINT or SIGTERM into a request to stop, which the run checks."""

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from experiments.running import hosts


@contextmanager
def stop_requested() -> Iterator[Callable[[], bool]]:
    """Yield a function that returns whether a signal has asked any process to stop.

    All processes of a run must call that function together. A second signal ends the
    process at once, with exit code 128 + its number.
    """
    signals = (signal.SIGINT, signal.SIGTERM)
    before = {number: signal.getsignal(number) for number in signals}
    requested = threading.Event()
    received, written = os.pipe()
    os.set_blocking(written, False)

    # In a thread of its own: Python calls a handler only when the compiled program that
    # the main thread waits for has returned.
    def watch() -> None:
        while number := os.read(received, 1):
            if number[0] in signals and requested.is_set():
                os._exit(128 + number[0])
            if number[0] in signals:
                requested.set()
        os.close(received)

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    descriptor = signal.set_wakeup_fd(written, warn_on_full_buffer=False)
    for number in signals:
        signal.signal(number, lambda *_: None)
    try:
        yield lambda: hosts.any_process(requested.is_set())
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(descriptor)
        os.close(written)
        watcher.join()
