"""From a configuration dataclass to a command, and from an exception to an exit code.

Nothing heavy is imported before the command line has been parsed.
"""

import contextlib
import io
import logging
import os
import signal
import sys
import traceback
from collections.abc import Callable, Iterator
from typing import Any, NoReturn, TypeVar

from experiments.running.errors import Interrupted, NonFiniteError, UsageError
from experiments.running.options import HostOptions

EXTRA = (
    "PIL",
    "array_record",
    "importlib_resources",
    "matplotlib",
    "mlxtend",
    "orbax",
    "tensorflow_datasets",
    "tqdm",
    "tyro",
)
"""The modules that the extra `experiments` installs."""

C = TypeVar("C")


def main(config: type[C], run: Callable[[C], Any]) -> None:
    """Parse the command line into `config`, run it, and exit.

    A run that cannot go on ends with one line on standard error. Exit codes: 2 wrong
    usage or a package that is not installed, 3 no valid data, 4 unreadable checkpoint
    or results that cannot be written, 5 not finite, 75 interrupted but resumable. A
    traceback (exit code 1) is a bug.
    """
    # Ctrl-C ends the process without a traceback; while something can be saved, the
    # handler of `interruption` is in its place.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    logging.getLogger("absl").setLevel(logging.ERROR)  # Orbax warns of its own habits.
    try:
        with _one_line_if_not_installed():
            parsed = _parse(config)
        if isinstance(parsed, HostOptions):
            _run_on_hosts(parsed, run)
        else:
            _run(parsed, run)
    except UsageError as error:
        _leave(error, 2)
    except NonFiniteError as error:
        _leave(error, 5)
    except Interrupted as error:
        _leave(error, 75)


@contextlib.contextmanager
def _one_line_if_not_installed() -> Iterator[None]:
    """Raise a `UsageError` in place of a failed import of a module in `EXTRA`."""
    try:
        yield
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        if package not in EXTRA:
            raise
        raise UsageError(
            f"{package} is not installed: pip install -e '.[experiments]'"
        ) from error


def _run(parsed: C, run: Callable[[C], Any]) -> None:
    from jaxgan.errors import CheckpointError, DataError, MissingExtraError

    try:
        with _one_line_if_not_installed():
            run(parsed)
    except MissingExtraError as error:
        _leave(error, 2)
    except DataError as error:
        _leave(error, 3)
    except CheckpointError as error:
        _leave(error, 4)
    except OSError as error:
        place = error.filename or "the results cannot be written"
        _leave(UsageError(f"{place}: {error.strerror or error}"), 4)


def _run_on_hosts(parsed: Any, run: Callable[[Any], Any]) -> None:
    from experiments.running import supervision

    parsed.check_hosts()
    if parsed.coordinator and not supervision.is_watched():
        sys.exit(supervision.watch())
    if supervision.is_watched():
        supervision.be_watched()
    from experiments.running import hosts

    try:
        _run(hosts.join(parsed), run)
    except (UsageError, NonFiniteError, Interrupted):
        raise
    except Exception as error:
        if hosts.is_lost(error):
            raise Interrupted(
                "another process of the run was lost; what was saved is intact, go on "
                "with --resume"
            ) from error
        traceback.print_exc()
        _end(1)


def _parse(config: type[C]) -> C:
    import tyro

    spec = sys.modules["__main__"].__spec__
    name = f"python -m {spec.name.removesuffix('.__main__')}" if spec else None
    complaint = io.StringIO()
    try:
        with contextlib.redirect_stderr(complaint):
            return tyro.cli(config, prog=name, config=(tyro.conf.FlagCreatePairsOff,))
    except SystemExit as leaving:
        if leaving.code:  # tyro draws a box, whose first line says what is wrong.
            lines = [line.strip("╭╮╰╯│─ ") for line in complaint.getvalue().split("\n")]
            said = [line for line in lines[1:] if line] or ["wrong usage"]
            _leave(UsageError(f"{said[0]} (see --help)"), 2)
        raise


def _leave(error: Exception, code: int) -> NoReturn:
    """Write an error as one line, and end the process."""
    print(f"error: {error}" if code != 75 else error, file=sys.stderr, flush=True)
    _end(code)


def _end(code: int) -> NoReturn:
    jax = sys.modules.get("jax")
    if jax is not None and jax.distributed.is_initialized():
        os._exit(code)  # The others may be gone: JAX would wait for them.
    sys.exit(code)
