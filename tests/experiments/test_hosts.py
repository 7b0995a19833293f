"""Two processes of one run, through the real command line."""

import json
import signal
import socket
import subprocess
import sys
import time

import numpy as np
import pytest
from processes import SAMPLE, command, environment, fail, succeed, wait_until
from safetensors.numpy import load_file

TOY = [*SAMPLE, "--batch-size", "500", "--checkpoint-every", "1"]
TOY += ["--latent-dim", "4", "--widths", "16"]
WITHIN = 15
"""Seconds after which a process has noticed that another one is gone."""


def start(experiment, out, *flags, own=([], [])):
    """Start all processes of an experiment."""
    return spread(command(experiment, out, *flags), own)


def spread(words, own=([], [])):
    """Start all processes of a run."""
    with socket.socket() as free:
        free.bind(("localhost", 0))
        port = free.getsockname()[1]
    hosts = ["--coordinator", f"localhost:{port}", "--num-processes", "2"]
    return [
        spawn([*words, *hosts, "--process-id", str(number), *own[number]])
        for number in range(2)
    ]


def spread_by_slurm(words):
    """Start all processes as `srun` would: with its variables and no flags."""
    job = 0
    while answers(61440 + job):  # JAX's port for this job
        job += 1
    said = {"SLURM_JOB_ID": str(job), "SLURM_STEP_NODELIST": "localhost"}
    said |= {"SLURM_NTASKS": "2", "SLURM_STEP_NUM_NODES": "1"}
    return [
        spawn(words, **said, SLURM_PROCID=number, SLURM_LOCALID=number)
        for number in ("0", "1")
    ]


def spawn(words, **variables):
    return subprocess.Popen(
        words,
        env=environment(**variables),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def answers(port):
    with socket.socket() as connection:
        return connection.connect_ex(("localhost", port)) == 0


def finish_all(processes):
    said = [process.communicate(timeout=240)[1] for process in processes]
    assert [process.returncode for process in processes] == [0, 0], said


def weights(out):
    return load_file(out / "model" / "generator.safetensors")


def lose(out, number):
    """Kill one of two processes; give the epochs that the other one has logged."""
    both = start("wgan", out, *TOY, "--epochs", "100000")
    wait_until((out / "checkpoint" / "16" / "manifest.json").exists, *both)
    both[number].send_signal(signal.SIGKILL)
    began = time.monotonic()
    _, said = both[1 - number].communicate(timeout=120)
    assert time.monotonic() - began < WITHIN
    both[number].communicate()
    assert both[1 - number].returncode == 75, said
    assert "go on with --resume" in said and said.count("\n") == 1
    return len((out / "metrics.jsonl").read_text().splitlines())


def test_a_run_of_two_loses_one_and_goes_on_alone(tmp_path):
    """Saved by two processes, and restored by one."""
    epochs = lose(tmp_path / "run", 1)
    flags = [*TOY, "--resume", "--epochs", str(epochs + 1)]
    assert "resumed at epoch" in succeed("wgan", tmp_path / "run", *flags)


@pytest.mark.slow
def test_the_first_of_two_is_lost_and_both_go_on(tmp_path):
    epochs = lose(tmp_path / "run", 0)
    flags = [*TOY, "--resume", "--epochs", str(epochs + 2)]
    finish_all(start("wgan", tmp_path / "run", *flags))


@pytest.mark.slow
def test_a_bug_in_one_of_two_ends_both():
    """It shows its traceback; the other one does not wait for it for minutes."""
    both = spread([sys.executable, "-m", "tests.broken_run"])
    began = time.monotonic()
    said = [process.communicate(timeout=120)[1] for process in both]
    assert time.monotonic() - began < 2 * WITHIN
    assert both[1].returncode == 1 and "ZeroDivisionError" in said[1]
    assert both[0].returncode == 75 and "go on with --resume" in said[0]


@pytest.mark.slow
def test_a_signal_to_one_stops_both_at_the_same_epoch(tmp_path):
    """And what one process saved, two restore: they end as one that never stopped."""
    out, whole = tmp_path / "run", tmp_path / "whole"
    both = start("wgan", out, *TOY, "--epochs", "60")
    wait_until((out / "checkpoint" / "8" / "manifest.json").exists, *both)
    both[1].send_signal(signal.SIGTERM)
    said = [process.communicate(timeout=120)[1] for process in both]
    assert [process.returncode for process in both] == [75, 75], said
    assert all("stopped after epoch" in line for line in said)
    finish_all(start("wgan", out, *TOY, "--epochs", "60", "--resume"))
    finish_all(start("wgan", whole, *TOY, "--epochs", "60"))
    ends = [
        json.loads((folder / "summary.json").read_text())["state_sha256"]
        for folder in (out, whole)
    ]
    assert ends[0] == ends[1]


@pytest.mark.slow
def test_two_processes_train_the_model_of_one(tmp_path):
    two, one = tmp_path / "two", tmp_path / "one"
    finish_all(start("wgan", two, *TOY, "--epochs", "1"))
    succeed("wgan", one, *TOY, "--epochs", "1")
    for name, expected in weights(one).items():  # Stored in half precision.
        np.testing.assert_allclose(
            weights(two)[name].astype(float), expected, rtol=2**-9, atol=1e-4
        )


@pytest.mark.slow
def test_two_processes_find_the_codes_and_paths_of_one(tmp_path, toy_model):
    digits = [*SAMPLE, "--checkpoint", toy_model]
    flags = [*digits, "--images", "3", "--starts", "4"]
    finish_all(start("invert", tmp_path / "two", *flags))
    succeed("invert", tmp_path / "one", *flags)
    found = [np.load(tmp_path / name / "results.npz") for name in ("one", "two")]
    for name in ("latents", "losses", "statuses"):
        np.testing.assert_allclose(found[1][name], found[0][name], atol=1e-6)

    flags = [*digits, "--pairs", "3", "--segments", "32", "--compared", "0"]
    flags += ["--codes", "prior"]
    finish_all(start("path", tmp_path / "two-paths", *flags))
    succeed("path", tmp_path / "one-path", *flags)
    ends = [
        json.loads((tmp_path / name / "summary.json").read_text())
        for name in ("one-path", "two-paths")
    ]
    assert ends[1]["energy"] == pytest.approx(ends[0]["energy"], rel=1e-5)


@pytest.mark.slow
def test_processes_that_were_started_differently_do_not_run(tmp_path):
    both = start("wgan", tmp_path, *TOY, own=(["--seed", "0"], ["--seed", "1"]))
    said = [process.communicate(timeout=120)[1] for process in both]
    assert both[1].returncode == 2 and "other values for seed" in said[1]
    assert both[0].returncode == 75, said


@pytest.mark.slow
def test_a_process_that_nobody_meets_says_so(tmp_path):
    first, second = start("wgan", tmp_path / "run", *TOY)
    second.kill()
    _, said = first.communicate(timeout=120)
    second.communicate()
    assert first.returncode == 75
    assert "did not meet" in said and said.count("\n") == 1


def test_flags_of_hosts_go_together():
    flags = [*TOY, "--coordinator", "localhost:1"]
    fail(2, "--process-id go together", "wgan", "never", *flags)


@pytest.mark.slow
def test_a_cluster_is_detected(tmp_path):
    flags = [*TOY, "--epochs", "2"]
    finish_all(start("wgan", tmp_path / "flags", *flags))
    finish_all(spread_by_slurm(command("wgan", tmp_path / "slurm", *flags)))
    one, other = weights(tmp_path / "flags"), weights(tmp_path / "slurm")
    assert one.keys() == other.keys()
    for name, array in one.items():
        np.testing.assert_array_equal(other[name], array)
