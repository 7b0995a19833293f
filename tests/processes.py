"""Experiments run as users run them: whole processes, on the embedded digits.

Most of these begin as copies of one that has imported the libraries, and has done
nothing else; that halves the time of the shortest. Those whose environment matters, or
which are killed, begin with nothing.

Warnings are errors in them, except one: two processes may meet at one file of the cache
of compiled programs, and the second then compiles the program itself.
"""

import gc
import multiprocessing
import os
import random
import runpy
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from unittest import mock

from experiments.running import written

SAMPLE = ("--dataset", "sample")
TOY = (
    *(*SAMPLE, "--epochs", "6", "--batch-size", "500", "--checkpoint-every", "1"),
    *("--latent-dim", "4", "--widths", "16"),
)
"""A short training of a small generator, in epochs of eight steps."""
TOY_WGAN = (*TOY, "--penalty-weight", "100")
"""With so large a weight the critic has gradients of norm one by the end."""
LIBRARIES = (
    *("jaxgan.autoencoders", "jaxgan.evaluation", "jaxgan.gan", "jaxgan.inversion"),
    *("jaxgan.minima", "jaxgan.paths", "jaxgan.storage", "jaxgan.training"),
    *("matplotlib.backends.backend_agg", "matplotlib.figure", "orbax.checkpoint"),
    *("PIL.Image", "scipy.stats", "tqdm", "tyro"),
)
INSTALLED = (sys.prefix, sys.base_prefix)
WARNINGS = "error,ignore:Error reading persistent compilation cache entry"


def command(experiment, out, *flags):
    module = [sys.executable, "-m", f"experiments.{experiment}"]
    return [*module, "--out", str(out), *map(str, flags)]


def environment(**variables):
    return {**os.environ, "PYTHONWARNINGS": WARNINGS, **variables}


def finish(words, **variables):
    """Run a command to its end; `variables` are added to the environment."""
    return subprocess.run(
        words,
        env=environment(**variables),
        capture_output=True,
        text=True,
        timeout=240,
    )


def run(experiment, out, *flags):
    """Run an experiment to its end, in a copy of a process that has the libraries."""
    return run_copy(f"experiments.{experiment}", "--out", out, *flags)


def run_copy(program, *words):
    """Run `python -m program`, or the script of this path, in such a copy."""
    words = [str(program), *map(str, words)]
    with tempfile.TemporaryDirectory() as folder:
        said = [Path(folder) / name for name in ("stdout", "stderr")]
        for path in said:
            path.touch()
        process = _copies.Process(
            target=_become, args=(words, said, dict(os.environ), os.getcwd())
        )
        with mock.patch.dict(os.environ, environment()):  # for the first of them
            process.start()
        process.join(240)
        if process.exitcode is None:
            process.kill()
            raise subprocess.TimeoutExpired(words, 240)
        texts = [path.read_text(encoding="utf-8") for path in said]
    return subprocess.CompletedProcess(words, process.exitcode, *texts)


_copies = multiprocessing.get_context("forkserver")
_copies.set_forkserver_preload(list(LIBRARIES))


def _become(words, said, variables, folder):
    """Turn this process into one that has just been started."""
    gc.set_threshold(100_000, 10, 10)  # as in conftest.py
    for number, path in enumerate(said, 1):
        with path.open("wb") as stream:
            os.dup2(stream.fileno(), number)
    os.environ.update(variables)
    os.chdir(folder)
    is_script = words[0].endswith(".py")
    own = variables.get("PYTHONPATH")
    sys.path[:] = [
        os.path.dirname(words[0]) if is_script else folder,
        *(own.split(os.pathsep) if own else ()),
        *(path for path in sys.path if path.startswith(INSTALLED)),
    ]
    sys.argv = words
    if is_script:
        runpy.run_path(words[0], run_name="__main__")
    else:
        runpy.run_module(words[0], run_name="__main__", alter_sys=True)


def start(words, **variables):
    """Start a command; what it writes to standard error can be read."""
    return subprocess.Popen(
        words,
        env=environment(**variables),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )


def succeed(experiment, out, *flags):
    """Run an experiment that has nothing to complain of; return what it says."""
    done = run(experiment, out, *flags)
    assert (done.returncode, done.stderr) == (0, "")
    _require_known(experiment, Path(out))
    assert "</html>" in (Path(out) / "report.html").read_text(encoding="utf-8")
    return done.stdout


def _require_known(experiment, out):
    """All that a command writes is listed, so that it can be written over."""
    known = {".lock", *written.files_of(experiment, out)}
    for path in (path for path in out.rglob("*") if path.is_file()):
        assert path.name in known or known & {path, *path.parents}, path


def fail(code, message, experiment, out, *flags, **variables):
    """Run an experiment that ends with this exit code and one line."""
    if variables:
        done = finish(command(experiment, out, *flags), **variables)
    else:
        done = run(experiment, out, *flags)
    assert done.returncode == code, done.stderr
    assert message in done.stderr and done.stderr.count("\n") == 1, done.stderr


def wait_until(condition, *processes):
    """Wait while all processes run; one that ends before fails the test."""
    while not condition():
        for process in processes:
            assert process.poll() is None, process.communicate()
        time.sleep(0.005)


def kill_when(condition, experiment, out, *flags):
    """Start an experiment, and end it with SIGKILL as soon as the condition holds."""
    process = start(command(experiment, out, *flags))
    try:
        wait_until(condition, process)
    finally:
        process.kill()
        process.communicate()


def kill_at_random(kills, seconds, check, experiment, out, *flags):
    """Kill and resume an experiment so many times, and then let it end.

    Each time it has a random part of the seconds that all of it takes. Where it is
    quicker, it is checked and begins anew.
    """
    draws, out = random.Random(0), Path(out)
    killed = quick = saving = 0

    def words():
        resume = ["--resume"] if (out / "config.json").exists() else []
        return command(experiment, out, *flags, *resume)

    while killed < kills:
        started = time.monotonic()
        process = start(words())
        try:
            errors = process.communicate(timeout=draws.uniform(0.1, 0.9) * seconds)[1]
        except subprocess.TimeoutExpired:
            process.kill()
            errors = process.communicate()[1]
        assert not errors, errors
        if process.returncode == 0:
            seconds = time.monotonic() - started
            quick += 1
            check(out)
            shutil.rmtree(out)
        else:
            assert process.returncode == -signal.SIGKILL
            killed += 1
            saving += bool(list(out.rglob(".saving-*")))
    done = finish(words())
    assert (done.returncode, done.stderr) == (0, "")
    check(out)
    print(f"{killed} kills, {saving} of them in a save; {quick} runs were too quick")
