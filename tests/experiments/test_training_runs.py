"""The experiments as users run them: whole processes, real digits, toy length."""

import json
import random
import shutil
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from PIL import Image

from experiments.running import run_folder
from experiments.running.errors import UsageError

TOY = ["--dataset", "sample", "--epochs", "4", "--batch-size", "200"]
TOY += ["--checkpoint-every", "1"]


def command(experiment, out, *flags):
    module = [sys.executable, "-m", f"experiments.{experiment}"]
    return [*module, *TOY, "--out", str(out), *flags]


def finish(experiment, out, *flags):
    return subprocess.run(
        command(experiment, out, *flags), capture_output=True, text=True, timeout=240
    )


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A WGAN-GP run that nothing disturbed."""
    out = tmp_path_factory.mktemp("runs") / "whole"
    done = finish("wgan", out)
    assert done.returncode == 0, done.stderr
    return out


def summary(out):
    return json.loads((out / "summary.json").read_text())


def rows(out):
    return [
        json.loads(line) for line in (out / "metrics.jsonl").read_text().splitlines()
    ]


REQUIRED = """experiment dataset n_train epochs steps batch_size wall_seconds
compile_seconds steps_per_second images_per_second critic_loss generator_loss
wasserstein_estimate wasserstein_estimate_heldout state_sha256""".split()


def check_run(out, experiment):
    numbers = summary(out)
    assert set(REQUIRED) <= set(numbers)
    assert numbers["experiment"] == experiment and numbers["dataset"] == "sample"
    assert numbers["steps"] == 4 * 20 and numbers["n_train"] == 4000
    values = [v for v in numbers.values() if not isinstance(v, str)]
    assert np.isfinite(values).all()
    # On the same scale: raw gray values would make it hundreds of times as large.
    heldout = numbers["wasserstein_estimate_heldout"]
    assert abs(heldout) < 10 * abs(numbers["wasserstein_estimate"])
    logged = rows(out)
    assert [row["epoch"] for row in logged] == [1, 2, 3, 4]
    assert logged[-1]["critic_loss"] == numbers["critic_loss"]
    with Image.open(out / "samples.png") as image:
        grid = np.asarray(image)
    assert grid.shape == (2 * (10 * 30 + 2),) * 2 and grid.std() > 10
    with Image.open(out / "progress.gif") as film:
        assert film.n_frames == 4  # pyright: ignore
    with Image.open(out / "losses.png") as figure:
        assert figure.size[0] > 500
    config = json.loads((out / "config.json").read_text())
    assert config["batch_size"] == 200 and config["versions"]["jax"]


def test_wgan_writes_everything(whole):
    check_run(whole, "wgan")
    assert summary(whole)["gradient_norm"] == pytest.approx(1, abs=0.3)


def test_gan_writes_everything(tmp_path):
    done = finish("gan", tmp_path / "gan")
    assert done.returncode == 0, done.stderr
    check_run(tmp_path / "gan", "gan")
    assert "gradient_penalty" not in summary(tmp_path / "gan")


def test_a_run_killed_five_times_ends_with_the_same_state(whole, tmp_path):
    out, kills = tmp_path / "killed", 0
    rng = random.Random(0)
    resume = []
    while kills < 5:
        process = subprocess.Popen(
            command("wgan", out, *resume),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        record = out / "config.json"
        while not record.exists() and process.poll() is None:
            time.sleep(0.01)
        # From the start of the run, over compilation, to the middle of training.
        time.sleep(rng.uniform(0.5, 6.0))
        finished = process.poll() is not None
        process.send_signal(signal.SIGKILL)
        _, errors = process.communicate()
        if finished:
            assert process.returncode == 0, errors.decode()
            shutil.rmtree(out)
            resume = []
            continue
        kills += 1
        resume = ["--resume"]
    done = finish("wgan", out, "--resume")
    assert done.returncode == 0, done.stderr
    assert summary(out)["state_sha256"] == summary(whole)["state_sha256"]
    numbers = [{k: v for k, v in row.items() if "second" not in k} for row in rows(out)]
    assert numbers == [
        {k: v for k, v in row.items() if "second" not in k} for row in rows(whole)
    ]
    check_run(out, "wgan")


@pytest.mark.slow
def test_a_signal_stops_the_run_so_that_it_can_be_resumed(whole, tmp_path):
    out = tmp_path / "stopped"
    process = subprocess.Popen(
        command("wgan", out), stderr=subprocess.PIPE, stdout=subprocess.DEVNULL
    )
    while not (out / "metrics.jsonl").exists() and process.poll() is None:
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 75, errors.decode()
    assert "--resume" in errors.decode() and errors.count(b"\n") == 1
    assert finish("wgan", out, "--resume").returncode == 0
    assert summary(out)["state_sha256"] == summary(whole)["state_sha256"]


@pytest.mark.parametrize(
    ("flags", "code", "message"),
    [
        (["--epocs", "3"], 2, "--epocs"),
        (["--epochs", "none"], 2, "--epochs"),
        (["--epochs", "0"], 2, "--epochs must be at least 1, got 0"),
        (["--beta1", "1.0"], 2, "--beta1 must be in [0, 1), got 1.0"),
        (["--penalty-weight", "-1"], 2, "--penalty-weight must be"),
        (["--batch-size", "5000"], 2, "between 1 and 4000 examples"),
        (["--dataset", "mnist", "--data-dir", "/nonexistent"], 3, "found none"),
        (
            ["--learning-rate", "0.9", "--penalty-weight", "1e38"],
            5,
            "(step 20): critic",
        ),
    ],
)
def test_a_run_that_cannot_go_on_ends_with_one_line(tmp_path, flags, code, message):
    done = finish("wgan", tmp_path / "out", *flags)
    assert done.returncode == code, done.stderr
    assert message in done.stderr
    assert done.stderr.count("\n") == 1
    assert not (tmp_path / "out" / "summary.json").exists()
    assert not (tmp_path / "out" / "checkpoint").exists()


def test_an_existing_run_is_neither_overwritten_nor_mixed(whole):
    assert "--resume or --overwrite" in finish("wgan", whole).stderr
    done = finish("wgan", whole, "--resume", "--seed", "1", "--latent-dim", "9")
    assert done.returncode == 2 and "seed was 0, is 1" in done.stderr
    assert "latent_dim was 64, is 9" in done.stderr and done.stderr.count("\n") == 1
    assert "experiment was 'wgan'" in finish("gan", whole, "--resume").stderr


@pytest.mark.slow
def test_a_longer_run_goes_on_from_a_shorter_one(whole, tmp_path):
    out = tmp_path / "short"
    assert finish("wgan", out, "--epochs", "2").returncode == 0
    assert finish("wgan", out, "--resume").returncode == 0
    assert summary(out)["state_sha256"] == summary(whole)["state_sha256"]


def test_folders_that_are_no_runs_are_left_alone(tmp_path):
    (tmp_path / "precious").write_text("mine")
    for overwrite in (False, True):
        with pytest.raises(UsageError, match="holds other files"):
            run_folder.open_run_folder(tmp_path, {}, resume=False, overwrite=overwrite)
    with pytest.raises(UsageError, match="is a file"):
        run_folder.open_run_folder(
            tmp_path / "precious", {}, resume=False, overwrite=True
        )
    with pytest.raises(UsageError, match="there is no run"):
        run_folder.open_run_folder(tmp_path / "none", {}, resume=True, overwrite=False)
    assert (tmp_path / "precious").read_text() == "mine"


def test_numbers_that_are_not_finite_are_null_in_rows(tmp_path):
    path = tmp_path / "metrics.jsonl"
    run_folder.write_rows(path, [{"step": 10, "loss": float("nan")}, {"step": 20}])
    assert path.read_text() == '{"step": 10, "loss": null}\n{"step": 20}\n'
    rows = run_folder.parse_rows(path.read_text())
    assert rows == [{"step": 10, "loss": None}, {"step": 20}]


def test_what_a_process_leaves_that_is_killed_at_its_start_is_no_obstacle(tmp_path):
    for name in (".lock", ".config.json.tmp"):
        (tmp_path / name).write_text("{")
    run_folder.open_run_folder(tmp_path, {"seed": 1}, resume=False, overwrite=False)
    assert json.loads((tmp_path / "config.json").read_text()) == {"seed": 1}


@pytest.mark.parametrize("content", ["", "{", "[]", "[" * 10_000, '{"seed": 1'])
def test_a_damaged_configuration_is_one_line(tmp_path, content):
    (tmp_path / "config.json").write_text(content)
    with pytest.raises(UsageError, match="config.json is unreadable: [^\n]*$"):
        run_folder.open_run_folder(tmp_path, {"seed": 1}, resume=True, overwrite=False)


@pytest.mark.parametrize(
    "experiment", ["gan", "wgan", "classifier", "evaluate", "compare"]
)
def test_help_imports_nothing_heavy(experiment):
    program = f"""
import runpy, sys
sys.argv = ["{experiment}", "--help"]
try:
    runpy.run_module("experiments.{experiment}", run_name="__main__")
except SystemExit as leaving:
    assert leaving.code == 0
assert not {{"jax", "flax", "matplotlib", "numpy"}} & set(sys.modules)
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    assert "--penalty-weight" in done.stdout or experiment != "wgan"
