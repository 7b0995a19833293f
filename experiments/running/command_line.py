"""From a configuration dataclass to a command, and from an exception to an exit code.

Nothing heavy is imported before the command line has been parsed.
"""

import contextlib
import dataclasses
import io
import logging
import os
import signal
import sys
import traceback
from collections.abc import Callable, Iterator
from typing import Any, NoReturn, TypeVar

from experiments.running import streams
from experiments.running.errors import Interrupted, NonFiniteError, UsageError
from experiments.running.options import HostOptions

EXTRA = (
    "PIL",
    "array_record",
    "importlib_resources",
    "jinja2",
    "matplotlib",
    "mlxtend",
    "orbax",
    "tensorflow_datasets",
    "tqdm",
    "tyro",
)
"""The modules that the extra `experiments` installs."""

FOR_DEVICES = ("JAX_PLATFORMS", "CUDA_VISIBLE_DEVICES", "ROCR_VISIBLE_DEVICES")
"""Variables that choose JAX's devices."""
FIXED = {"jax_numpy_dtype_promotion": "standard", "jax_disable_jit": False}
"""Switches of JAX for finding errors, which change no number, but which libraries that
are used here do not stand."""
MEMORY = (
    *("batch_size", "widths", "units", "latent_dim", "depth", "seeds", "chunk"),
    *("images", "own_images", "digits", "samples", "starts", "pairs", "segments"),
    *("likelihood_images", "likelihood_draws"),
)
"""Flags that a run needs the less memory, the smaller they are."""

C = TypeVar("C")


def main(config: type[C], run: Callable[[C], Any], *, on_devices: bool = True) -> None:
    """Parse the command line into `config`, run it, and exit.

    A run that cannot go on ends with one line on standard error. Exit codes: 2 wrong
    usage, a package or a device that is not there, 3 no valid data, 4 unreadable
    checkpoint or results that cannot be written, 5 not finite, 6 out of memory, 75
    interrupted but resumable. A traceback (exit code 1) is a bug.

    Args:
        config: a dataclass, whose fields are the flags.
        run: what to do.
        on_devices: whether `run` computes in this process. JAX is then started before,
            and takes the memory of accelerators.
    """
    streams.prepare()
    # Ctrl-C ends the process without a traceback; while something can be saved, the
    # handler of `interruption` is in its place.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    for library in ("absl", "matplotlib"):  # They warn of their own habits and caches.
        logging.getLogger(library).setLevel(logging.ERROR)
    os.environ["MPLBACKEND"] = "agg"  # A notebook's is inherited, and may not be there.
    try:
        _require_system()
        with _one_line_if_not_installed():
            parsed = _parse(config)
        if isinstance(parsed, HostOptions):
            _run_on_hosts(parsed, run)
        else:
            _run(parsed, run, on_devices)
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


def _require_system() -> None:
    """Raise a `UsageError` on Windows, whose files cannot be locked as others can."""
    try:
        import fcntl  # noqa: F401
    except ImportError:
        raise UsageError(
            "the experiments run on Linux and macOS; on Windows, run them in WSL"
        ) from None


@contextlib.contextmanager
def _starting_jax() -> Iterator[None]:
    """Raise a `UsageError` in place of an error of JAX's start."""
    try:
        yield
    except Exception as error:  # JAX has many kinds, one of them without words
        words = (str(error).strip().splitlines() or ["no such device"])[0]
        said = " ".join(f"{n}={v}" for n, v in os.environ.items() if n in FOR_DEVICES)
        raise UsageError(
            f"JAX does not start{said and f' with {said}'}: {words}"
        ) from (error)


def _start_jax() -> None:
    with _starting_jax():
        import jax

        from jaxgan import parallel

        parallel.spare_a_thread()
        jax.devices()
    for name, value in FIXED.items():
        if getattr(jax.config, name) != value:
            print(f"warning: {name.upper()} is ignored", file=sys.stderr)
            jax.config.update(name, value)


def _run(parsed: C, run: Callable[[C], Any], on_devices: bool = True) -> None:
    if on_devices:
        _start_jax()
    from jaxgan.errors import (
        CheckpointError,
        DataError,
        MissingExtraError,
        first_line,
        is_out_of_memory,
    )

    try:
        with _one_line_if_not_installed():
            run(parsed)
    except MissingExtraError as error:
        _leave(error, 2)
    except DataError as error:
        _leave(error, 3)
    except CheckpointError as error:
        _leave(error, 4)
    except FloatingPointError as error:  # JAX_DEBUG_NANS
        _leave(NonFiniteError(f"not finite: {first_line(error)}"), 5)
    except (UsageError, NonFiniteError, Interrupted):
        raise
    except Exception as error:
        if is_out_of_memory(error):
            _leave(_smaller(parsed), 6)
        if not isinstance(error, OSError):
            raise
        place = error.filename or "the results cannot be written"
        _leave(UsageError(f"{place}: {error.strerror or error}"), 4)


def _smaller(parsed: Any) -> Exception:
    """Return what to say where memory does not suffice: which flags to make smaller."""
    flags = {field.name: getattr(parsed, field.name) for field in _fields(parsed)}
    given = [
        f"--{name.replace('_', '-')} ({_text(flags[name])})"
        for name in MEMORY
        if flags.get(name) is not None
    ]
    words = f": make smaller {' or '.join(given)}" if given else ""
    return MemoryError(f"out of memory{words}; what was saved is intact")


def _fields(parsed: Any) -> tuple[Any, ...]:
    return dataclasses.fields(parsed) if dataclasses.is_dataclass(parsed) else ()


def _text(value: Any) -> str:
    return " ".join(map(str, value)) if isinstance(value, tuple) else str(value)


def _run_on_hosts(parsed: Any, run: Callable[[Any], Any]) -> None:
    from experiments.running import supervision

    parsed.check_hosts()
    if not parsed.is_one_of_several(supervision.launched()):
        _run(parsed, run)
        return
    if not supervision.is_watched():
        sys.exit(supervision.watch())
    supervision.be_watched()
    with _starting_jax():
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


def conventions() -> tuple[Any, ...]:
    """Return how a dataclass becomes flags: one without a default needs no name."""
    import tyro

    return (tyro.conf.FlagCreatePairsOff, tyro.conf.PositionalRequiredArgs)


def _parse(config: type[C]) -> C:
    import tyro

    spec = sys.modules["__main__"].__spec__
    name = f"python -m {spec.name.removesuffix('.__main__')}" if spec else None
    complaint = io.StringIO()
    try:
        with contextlib.redirect_stderr(complaint):
            return tyro.cli(config, prog=name, config=conventions())
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
