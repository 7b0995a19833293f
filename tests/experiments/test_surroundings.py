"""What is around a run: streams, signals, threads, clusters, systems, devices."""

import ast
import json
import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import jax
import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.figure import Figure
from processes import TOY, command, environment, fail, finish, run

from experiments import wgan
from experiments.reporting.pictures import drawing
from experiments.running import (
    command_line,
    interruption,
    memory,
    supervision,
    written,
)
from experiments.running.errors import UsageError
from experiments.running.interruption import stop_requested
from experiments.running.options import HostOptions

WORDS = r"""
import sys
from experiments.running import streams
streams.prepare()
print("\u03c1 \u00b1 \u03b2 \u2026")
print("x" * 100_000)
print("\u00b1 on stderr", file=sys.stderr)
with open(sys.argv[1], "w", encoding="utf-8") as file:
    print("done", file=file)
    file.flush()
    assert file.fileno() > 2
"""
ASCII = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}


@pytest.mark.parametrize(
    ("redirection", "expected"),
    [
        ("| head -1", "? ? ? ?"),
        ("| true", ""),
        (">/dev/full", "warning: standard output: No space left on device"),
        (">&-", ""),
        ("2>&-", "? ? ? ?"),
        ("<&- >&- 2>&-", ""),
    ],
)
def test_words_that_cannot_be_written_are_lost_and_nothing_else(
    tmp_path, redirection, expected
):
    script = f'"$0" -c "$1" "$2" {redirection}; exit "${{PIPESTATUS[0]}}"'
    words = ["bash", "-c", script, sys.executable, WORDS, tmp_path / "file"]
    for unbuffered in ("", "1"):
        done = finish(words, **ASCII, PYTHONUNBUFFERED=unbuffered)
        assert done.returncode == 0, done.stderr
        assert expected in done.stdout + done.stderr
        assert "Traceback" not in done.stderr
        assert (tmp_path / "file").read_text() == "done\n"


# What Linux has and macOS has not, of what Python offers.
LINUX_ONLY = """
import os, resource, select, signal
for module, names in (
    (os, "posix_fallocate posix_fadvise sched_getaffinity sched_setaffinity eventfd "
         "memfd_create copy_file_range splice pipe2 fdatasync setxattr getxattr"),
    (signal, "sigtimedwait sigwaitinfo"),
    (select, "epoll"),
    (resource, "prlimit"),
):
    for name in names.split():
        if hasattr(module, name):
            delattr(module, name)
"""
SRUN = {
    **{"SLURM_JOB_ID": "4711", "SLURM_STEP_NODELIST": "localhost"},
    **{"SLURM_PROCID": "0", "SLURM_LOCALID": "0", "SLURM_NTASKS": "2"},
}
MATPLOTLIBRC = "text.usetex: True\nfont.family: no such font\nfigure.dpi: 7\n"


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    out = tmp_path_factory.mktemp("plain") / "run"
    done = run("wgan", out, *TOY, "--epochs", "1")
    assert (done.returncode, done.stderr) == (0, "")
    return out


def test_strange_surroundings_change_nothing_in_a_run(plain, tmp_path):
    """No words can be written, and the files are those of any other run.

    macOS is imitated, and what is there in a container, in a pod, in a notebook, and in
    an interactive step of Slurm.
    """
    (tmp_path / "sitecustomize.py").write_text(LINUX_ONLY)
    (tmp_path / "matplotlibrc").write_text(MATPLOTLIBRC)
    out = tmp_path / "run"
    strange = {
        **ASCII,
        "PYTHONPATH": str(tmp_path),
        "MATPLOTLIBRC": str(tmp_path),
        "MPLBACKEND": "module://matplotlib_inline.backend_inline",
        "MPLCONFIGDIR": "",
        "HOME": "/proc/nowhere",
        "XDG_CACHE_HOME": "/proc/nowhere",
        "XDG_CONFIG_HOME": "/proc/nowhere",
        "TFDS_DATA_DIR": "/proc/nowhere",
        "KUBERNETES_SERVICE_HOST": "10.0.0.1",
        **SRUN,
        "JAX_NUMPY_DTYPE_PROMOTION": "strict",
        "JAX_DISABLE_JIT": "1",
        "JAX_DEBUG_NANS": "1",
    }
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            command("wgan", out, *TOY, "--epochs", "1", "--num-processes", "1"),
            env=environment(**strange),
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            timeout=240,
        )
    assert done.returncode == 0, done.stderr
    assert done.stderr.splitlines() == [
        "warning: JAX_NUMPY_DTYPE_PROMOTION is ignored",
        "warning: JAX_DISABLE_JIT is ignored",
        "warning: standard output: No space left on device",
    ]
    hashes = [
        json.loads((folder / "summary.json").read_text())["state_sha256"]
        for folder in (plain, out)
    ]
    assert hashes[0] == hashes[1]
    names = [
        {str(path.relative_to(folder)) for path in folder.rglob("*")}
        for folder in (plain, out)
    ]
    assert {n for n in names[0] if "checkpoint/" not in n} <= names[1]
    figures = [(folder / "losses.png").read_bytes() for folder in (plain, out)]
    assert figures[0] == figures[1]


def test_other_numbers_of_jax_are_another_run(plain):
    message = "the configuration differs: jax_enable_x64 was False, is True"
    flags = (*TOY, "--epochs", "2", "--resume")
    fail(2, message, "wgan", plain, *flags, JAX_ENABLE_X64="1")


def test_windows_is_refused_in_one_line():
    program = "import runpy, sys; sys.modules['fcntl'] = None; sys.argv = ['wgan']; "
    program += "runpy.run_module('experiments.wgan', run_name='__main__')"
    done = finish([sys.executable, "-c", program])
    assert done.returncode == 2 and "on Windows, run them in WSL" in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("variable", "value"),
    [("JAX_PLATFORMS", "cuda"), ("JAX_ENABLE_X64", "perhaps")],
)
def test_a_start_of_jax_that_fails_is_one_line(tmp_path, variable, value):
    said = {variable: value}
    fail(2, "error: JAX does not start", "evaluate", tmp_path / "run", **said)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (
            MemoryError(),
            6,
            "out of memory: make smaller --batch-size (64) or --widths ",
        ),
        (RuntimeError("RESOURCE_EXHAUSTED: Out of memory"), 6, "--latent-dim (64)"),
        (RuntimeError("INTERNAL: Out of memory allocating 9 bytes."), 6, "--widths"),
        (OSError(12, "Cannot allocate memory"), 6, "what was saved is intact"),
        (FloatingPointError("invalid value (nan) in mul"), 5, "invalid value (nan)"),
        (OSError(28, "No space left on device"), 4, "No space left on device"),
    ],
)
def test_what_a_machine_has_not_is_one_line(error, code, said, capsys, monkeypatch):
    monkeypatch.setattr(command_line, "FIXED", {})  # of the whole process

    def run(_):
        raise error

    with pytest.raises(SystemExit) as caught:
        command_line._run(wgan.Config(), run)
    line = capsys.readouterr().err
    assert caught.value.code == code
    assert said in line and line.count("\n") == 1


@pytest.mark.parametrize(
    ("shape", "limit", "fits"),
    [
        ((10**9, 10**6), None, False),
        ((100,), None, True),
        ((100,), "max\n", True),
        ((100,), "399\n", False),  # of a container
        ((100,), "400\n", True),
    ],
)
def test_arrays_that_no_memory_holds_are_known_before_they_are_made(
    shape, limit, fits, tmp_path, monkeypatch
):
    """Linux promises memory that it has not, and then kills without a word."""
    if limit is not None:
        (tmp_path / "memory.max").write_text(limit)
        monkeypatch.setattr(memory, "LIMIT", tmp_path / "memory.max")
    arrays = jax.ShapeDtypeStruct(shape, np.float32), jax.random.key(0)
    with nullcontext() if fits else pytest.raises(MemoryError):
        memory.require(arrays)


def test_other_errors_of_jax_are_bugs(monkeypatch):
    monkeypatch.setattr(command_line, "FIXED", {})

    def run(_):
        raise RuntimeError("INTERNAL: a bug")

    with pytest.raises(RuntimeError, match="a bug"):
        command_line._run(wgan.Config(), run)


def test_figures_are_drawn_with_the_defaults_of_matplotlib(tmp_path):
    settings: Any = {"text.usetex": True, "font.family": ["no such font"]}
    with mpl.rc_context(settings):
        with drawing(tmp_path / "figure.png") as path:
            figure = Figure()
            figure.subplots().set_title("ρ")
            figure.savefig(path)
        assert mpl.rcParams["text.usetex"] is True  # the user's, as before
    assert (tmp_path / "figure.png").exists()


EXPERIMENTS = Path(written.__file__).parent.parent
RUNS = [  # of the commands that write the folder of a run
    *(EXPERIMENTS / f"{name}.py" for name in ("evaluate", "classifier")),
    *(EXPERIMENTS / name / "__main__.py" for name, of in written.WRITTEN.items() if of),
    EXPERIMENTS / "running" / "adversarial.py",
]
RUNS = [path for path in RUNS if path.exists()]
PICTURES = {"savefig", "save_image", "save_animation", "_save_grid", "_save_film"}
WITHIN = {"_animation", "_save_grid", "_save_film", "strips", "save_animation"}
"""Functions that write pictures, and are themselves called inside of `drawing`."""


def name_of(call):
    return getattr(call.func, "attr", getattr(call.func, "id", ""))


@pytest.mark.parametrize("path", RUNS, ids=lambda p: f"{p.parent.name}-{p.stem}")
def test_results_are_written_before_pictures_and_pictures_before_words(path):
    calls = [n for n in ast.walk(ast.parse(path.read_text())) if type(n) is ast.Call]
    lines = {name: [c.lineno for c in calls if name_of(c) == name] for name in (
        *("write_json", "save_model", "_write_model", "drawing", "figures", "draw"),
        *("write", "print"),
    )}  # fmt: skip
    (summary,) = lines["write_json"]
    pictures = [*lines["drawing"], *lines["draw"], *lines["figures"], *lines["write"]]
    assert max(lines["_write_model"], default=0) < summary
    assert summary < min(pictures, default=summary + 1)
    last = max(pictures, default=summary)
    assert [line for line in lines["print"] if line > last]
    begun = [c.lineno for c in calls if name_of(c) in ("begin", "open_run")]
    said_early = [n for n in lines["print"] if min(begun) < n < last]
    assert len(said_early) <= 1  # where it will be written


def test_every_picture_is_drawn_where_it_may_fail():
    for path in EXPERIMENTS.rglob("*.py"):
        tree = ast.parse(path.read_text())
        may_fail = {
            id(inner)
            for node in ast.walk(tree)
            if isinstance(node, ast.With)
            and any(
                isinstance(item.context_expr, ast.Call)
                and name_of(item.context_expr) in ("drawing", "suppress")
                for item in node.items
            )
            for inner in ast.walk(node)
        } | {
            id(inner)
            for node in ast.walk(tree)
            if isinstance(node, ast.FunctionDef) and node.name in WITHIN
            for inner in ast.walk(node)
        }
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and name_of(node) in PICTURES:
                assert id(node) in may_fail, f"{path}:{node.lineno}"


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (RuntimeError("latex not found\nmore"), "RuntimeError: latex not found"),
        (OSError(28, "No space left on device"), "No space left on device"),
    ],
)
def test_a_figure_that_fails_costs_itself_only(tmp_path, capsys, error, line):
    with drawing(tmp_path / "figure.png") as path:
        raise error
    assert capsys.readouterr().err == f"warning: {path} is not drawn: {line}\n"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_is_a_request_to_stop(number, monkeypatch):
    monkeypatch.setattr(interruption, "TOGETHER", 60.0)
    before = signal.getsignal(number)
    with stop_requested() as stopping:
        assert not stopping()
        os.kill(os.getpid(), number)
        os.kill(os.getpid(), number)  # it is one signal, which came twice
        begun = time.monotonic()
        while not stopping():
            assert time.monotonic() - begun < 60
            time.sleep(0.001)
    assert signal.getsignal(number) == before


def test_a_signal_that_is_ignored_stays_so():
    """As SIGHUP is under nohup."""
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with stop_requested() as stopping:
            assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
            os.kill(os.getpid(), signal.SIGHUP)
            assert not stopping()
        assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


def test_in_a_thread_nothing_asks_to_stop():
    found = []

    def run():
        with stop_requested() as stopping:
            found.append(stopping())

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert found == [False]


@pytest.mark.parametrize(
    ("variables", "count"),
    [
        ({}, 1),
        (SRUN, 2),
        ({"SLURM_JOB_ID": "4711", "SLURM_NTASKS": "2", "SLURM_PROCID": "0"}, 1),
        ({"OMPI_COMM_WORLD_SIZE": "4", "OMPI_COMM_WORLD_RANK": "0"}, 4),
        ({"OMPI_COMM_WORLD_SIZE": "4"}, 1),
        ({"KUBERNETES_SERVICE_HOST": "10.0.0.1"}, 1),
        ({"TPU_WORKER_HOSTNAMES": "a,b"}, 2),
        ({"TPU_WORKER_HOSTNAMES": "localhost"}, 1),
    ],
)
def test_a_launcher_says_how_many_it_has_started(monkeypatch, variables, count):
    for name in (*SRUN, "OMPI_COMM_WORLD_SIZE", "TPU_WORKER_HOSTNAMES"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert supervision.launched() == count


@pytest.mark.parametrize(
    ("flags", "launched", "several"),
    [
        ({}, 1, False),
        ({}, 2, True),
        ({"num_processes": 1}, 2, False),
        ({"num_processes": 2}, 1, True),
        ({"num_processes": 2, "process_id": 0, "coordinator": "a:1"}, 1, True),
    ],
)
def test_processes_are_connected_where_asked_for_or_sure(flags, launched, several):
    options = HostOptions(**flags)
    options.check_hosts()
    assert options.is_one_of_several(launched) is several


@pytest.mark.parametrize(
    "flags", [{"num_processes": 0}, {"process_id": 0}, {"coordinator": "a:1"}]
)
def test_flags_of_processes_that_do_not_fit_are_refused(flags):
    with pytest.raises(UsageError):
        HostOptions(**flags).check_hosts()


def test_processes_that_jax_does_not_find_are_one_line(tmp_path):
    pod = {"KUBERNETES_SERVICE_HOST": "10.0.0.1"}
    flags = (*TOY, "--num-processes", "3")
    fail(2, "JAX finds no cluster here", "wgan", tmp_path / "run", *flags, **pod)


@pytest.mark.slow
def test_one_process_of_a_step_of_two_says_so_in_one_line(tmp_path):
    message = "or this one alone with --num-processes 1"
    fail(75, message, "wgan", tmp_path / "run", *TOY, **SRUN)
