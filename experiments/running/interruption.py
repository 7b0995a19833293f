"""Turn the first SIGINT, SIGTERM or SIGHUP into a request to stop."""

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from experiments.running import hosts
from experiments.running.supervision import SIGNALS

TOGETHER = 0.1
"""Seconds within which equal signals are one: a cluster sends one to each process, also
to the parent that watches the command and sends its own on."""


@contextmanager
def stop_requested() -> Iterator[Callable[[], bool]]:
    """Yield a function that returns whether a signal has asked any process to stop.

    All processes of a run must call that function together. A second signal ends the
    process at once, with exit code 128 + its number. Signals that are ignored stay
    ignored, as SIGHUP is under nohup. In a thread that is not the main one, Python
    handles no signals, and nothing asks to stop but another process.
    """
    if threading.current_thread() is not threading.main_thread():
        yield lambda: hosts.any_process(False)
        return
    before = {number: signal.getsignal(number) for number in SIGNALS}
    # None is a handler that Python has not set, and could not put back.
    ours = [n for n, handler in before.items() if handler not in (None, signal.SIG_IGN)]
    requested = threading.Event()
    received, written = os.pipe()
    os.set_blocking(written, False)

    # In a thread of its own: Python calls a handler only when the compiled program that
    # the main thread waits for has returned.
    def watch() -> None:
        last, at = 0, float("-inf")
        while number := os.read(received, 1):
            if number[0] not in ours:
                continue
            again = number[0] == last and time.monotonic() - at < TOGETHER
            if requested.is_set() and not again:
                os._exit(128 + number[0])
            requested.set()
            last, at = number[0], time.monotonic()
        os.close(received)

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    descriptor = signal.set_wakeup_fd(written, warn_on_full_buffer=False)
    for number in ours:
        signal.signal(number, lambda *_: None)
    try:
        yield lambda: hosts.any_process(requested.is_set())
    finally:
        for number in ours:
            signal.signal(number, before[number])
        signal.set_wakeup_fd(descriptor)
        os.close(written)
        watcher.join()
