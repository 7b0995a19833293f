"""`python -m benchmarks`: all benchmarks in one table."""

import subprocess
import sys
from pathlib import Path

import jax
import numpy as np
import pytest

import jaxgan
from benchmarks import (
    __main__,
    catalogue,
    certified_search,
    first_picture,
    measuring,
    rows,
    table,
)
from benchmarks.catalogue import BENCHMARKS
from experiments.running.errors import UsageError

FOLDER = Path(catalogue.__file__).parent
PARTS = {"on_devices", "torch_inversion", "torch_peer", "machine"}
"""Modules that print JSON for others."""
STEP = {
    "step_ms": 10.0,
    "gemm_limit_ms": 5.0,
    "torch_step_ms": 20.0,
    "torch_shared_step_ms": 15.0,
    "torch_over_step": 2.0,
    "torch_shared_over_step": 1.5,
    "compile_seconds": 3.0,
}
MACHINE = {
    "python_version": "3.12.1",
    "jax_version": "0.12",
    "device": "cpu",
    "processor": "a processor",
    "threads": 2,
}


def run(*flags):
    words = [sys.executable, "-m", "benchmarks", *flags]
    return subprocess.run(words, cwd=FOLDER.parent, capture_output=True, text=True)


def cells(line):
    return [cell.strip() for cell in line.strip("|\n").split("|")]


def test_every_module_that_prints_json_is_listed():
    printing = {
        path.stem
        for path in FOLDER.glob("*.py")
        if "print(json" in path.read_text(encoding="utf-8")
    }
    assert printing == BENCHMARKS.keys() | PARTS


def test_the_list_names_each_and_runs_none():
    done = run("--list")
    assert (done.returncode, done.stderr) == (0, "")
    assert [line.split()[0] for line in done.stdout.splitlines()] == list(BENCHMARKS)


def test_an_unknown_name_is_refused_in_one_line():
    done = run("--only", "echo", "ehco")
    assert done.returncode == 2 and not done.stdout
    assert done.stderr.count("\n") == 1 and done.stderr.endswith("got ehco\n")
    assert "echo" in done.stderr


@pytest.mark.slow
def test_the_cheapest_runs_to_its_end_and_has_its_row():
    done = run("--only", "path_gradient")
    assert done.returncode == 0, done.stderr
    header, _, line, _, about = done.stdout.splitlines()
    what, measured, peers, ratios, compiling, command = cells(line)
    assert what == BENCHMARKS["path_gradient"].what
    assert measured.startswith("relative error 0.") and len(cells(header)) == 6
    lines, exact = map(float, ratios.split("; "))
    assert lines > 1 > exact and peers.startswith("on straight lines: ")
    assert (compiling, command) == ("—", "`python -m benchmarks.path_gradient`")
    assert "Python 3." in about and "jax 0." in about


def test_a_benchmark_that_fails_says_so_and_the_others_go_on(monkeypatch, capsys):
    def in_own_process(module, **flags):
        if module == "benchmarks.machine":
            return MACHINE
        if module == "benchmarks.train_step":
            return {"results": [STEP]}
        raise subprocess.CalledProcessError(1, module, stderr="Trace\na | b is lost\n")

    monkeypatch.setattr(measuring, "in_own_process", in_own_process)
    with pytest.raises(UsageError, match="failed: echo"):
        __main__.run(__main__.Config(only=("echo", "train_step")))
    _, _, first, second, *_ = capsys.readouterr().out.splitlines()
    assert "failed: a \\| b is lost" in first
    assert "| 0.5; 2; 1.5 | 3 s |" in second


def test_a_missing_peer_is_said_in_its_row():
    absent = {name: None for name in STEP if name.startswith("torch")}
    found = rows.train_step({"results": [STEP | absent]})
    line = table.line_of("a step", found, "python")
    assert line[2].endswith("; PyTorch is not installed (extra `bench`)")
    assert line[3] == "0.5; —"


def test_two_trainings_are_judged_alike():
    with jax.numpy_dtype_promotion("standard"):  # for optax's bias correction
        found = first_picture.measure(2, 0)
    distances = {
        name: each["frechet_distance"] for name, each in found["trainings"].items()
    }
    assert min(distances.values()) > 100  # noise is far from digits
    ratio = distances["pixels"] / distances["default"]
    row = rows.first_picture(found)
    assert [peer.ratio for peer in row.peers] == [ratio] and ratio != 1
    assert row.measured.startswith(f"{distances['default']:.3g} after ")


def test_a_sum_by_hand_is_compared_with_that_of_the_partitioner():
    row = rows.summed_gradient({"by_hand_ms": 1.5, "by_partitioner_ms": 6.0})
    assert [peer.ratio for peer in row.peers] == [4.0]


def test_the_table_has_a_row_for_each_and_the_machine():
    lines = [table.failed(b.what, "no", name) for name, b in BENCHMARKS.items()]
    _, _, *body, blank, about = table.document(MACHINE, lines).splitlines()
    assert [cells(line)[0] for line in body] == [b.what for b in BENCHMARKS.values()]
    assert not blank
    assert about == "a processor, 2 usable cores; Python 3.12.1, jax 0.12, device cpu"


def test_flags_of_the_catalogue_are_those_of_the_command():
    words = measuring.command("benchmarks.echo", batch_size=64, dataset="sample")
    assert words == ["-m", "benchmarks.echo", "--batch-size=64", "--dataset=sample"]
    for name, benchmark in BENCHMARKS.items():
        text = (FOLDER / f"{name}.py").read_text(encoding="utf-8")
        for flag in benchmark.flags:
            assert f"{flag}=(" in text or f'"--{flag.replace("_", "-")}"' in text


def test_both_searches_minimise_the_same_objective(toy_model):
    generator = jaxgan.load_generator(toy_model)
    code = jax.numpy.array([[0.5, -0.3]])
    target = np.asarray(generator.generate(code)[0])
    with jax.numpy_dtype_promotion("standard"):  # for optax's bias correction
        found = certified_search.compare(generator, target, 4, 300, 1)
    assert found["definite_fraction"] == 1.0
    least, reached = found["objective_median"], found["adam"]["objective_median"]
    assert 0 < least <= reached * (1 + 1e-5)
    row = rows.certified_search(found)
    assert "100% definite" in row.measured and "Adam, 300 steps" in row.peers[0].what


def test_without_steps_adam_stays_where_the_search_begins(toy_model):
    generator = jaxgan.load_generator(toy_model)
    starts = jax.numpy.array([[0.5, -0.3], [1.0, 2.0]])
    target = np.zeros((28, 28, 1), np.float32)
    follow = certified_search.adam_program(generator, target, 0)
    with jax.numpy_dtype_promotion("standard"):
        assert follow(starts).tolist() == starts.tolist()
