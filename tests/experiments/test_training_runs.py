"""Trainings as users run them: whole processes, real digits, toy length."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from PIL import Image
from processes import (
    TOY,
    TOY_WGAN,
    command,
    fail,
    kill_at_random,
    start,
    succeed,
    wait_until,
)

from experiments import gan, wgan
from experiments.running.errors import UsageError
from jaxgan import data, networks, pixels, storage, training
from jaxgan import gan as library
from jaxgan.errors import DataError


@pytest.fixture(scope="module")
def timed(tmp_path_factory):
    """A WGAN-GP run that nothing disturbed, and the seconds it took."""
    out, started = tmp_path_factory.mktemp("runs") / "whole", time.monotonic()
    succeed("wgan", out, *TOY_WGAN)
    return out, time.monotonic() - started


@pytest.fixture(scope="module")
def whole(timed):
    return timed[0]


def summary(out):
    return json.loads((out / "summary.json").read_text())


def rows(out):
    """What was logged, but for what depends on how long it took."""
    lines = (out / "metrics.jsonl").read_text().splitlines()
    return [
        {
            name: value
            for name, value in json.loads(line).items()
            if "second" not in name
        }
        for line in lines
    ]


REQUIRED = """experiment dataset n_train epochs steps batch_size wall_seconds
training_seconds compile_seconds steps_per_second images_per_second critic_loss
generator_loss wasserstein_estimate wasserstein_estimate_heldout state_sha256""".split()


def check_run(out, experiment):
    numbers = summary(out)
    assert set(REQUIRED) <= set(numbers)
    assert numbers["experiment"] == experiment and numbers["dataset"] == "sample"
    assert numbers["steps"] == 6 * 8 and numbers["n_train"] == 4000
    values = [v for v in numbers.values() if not isinstance(v, str)]
    assert np.isfinite(values).all()
    # On the same scale: raw gray values would make it hundreds of times as large.
    heldout = numbers["wasserstein_estimate_heldout"]
    assert abs(heldout) < 10 * abs(numbers["wasserstein_estimate"])
    logged = rows(out)
    assert [row["epoch"] for row in logged] == [1, 2, 3, 4, 5, 6]
    assert logged[-1]["critic_loss"] == numbers["critic_loss"]
    with Image.open(out / "samples.png") as image:
        grid = np.asarray(image)
    assert grid.shape == (2 * (10 * 30 + 2),) * 2 and grid.std() > 10
    with Image.open(out / "progress.gif") as film:
        assert film.n_frames == 6  # pyright: ignore
    with Image.open(out / "losses.png") as figure:
        assert figure.size[0] > 500
    config = json.loads((out / "config.json").read_text())
    assert config["batch_size"] == 500 and config["versions"]["jax"]


def test_wgan_writes_everything(whole):
    check_run(whole, "wgan")
    assert storage.load_generator(whole).latent_dim == 4
    assert summary(whole)["gradient_norm"] == pytest.approx(1, abs=0.3)


def test_the_saved_critic_scores_images_as_the_trained_one_does(whole):
    digits = data.load("sample", "train").images
    centred = networks.centred(networks.mlp_critic(), pixels.mean_input(digits))
    optimizer = training.adam(training.robbins_monro(1e-3, 10_000), -0.5)
    algorithm = library.wgan_gp(
        networks.mlp_generator(4, (16,)),
        centred,
        generator_optimizer=optimizer,
        critic_optimizer=optimizer,
    )
    like = algorithm.init(jax.random.key(0))
    found = storage.restore_state(whole / "checkpoint", like)
    assert found is not None
    images = pixels.as_inputs(jnp.asarray(digits[:50]))
    expected = centred.apply(found.state.critic, images)
    # It is stored in half precision.
    spread = float(jnp.std(expected))
    found_scores = storage.load_critic(whole)(images)
    np.testing.assert_allclose(found_scores, expected, atol=0.02 * spread)


def test_gan_writes_everything(tmp_path):
    succeed("gan", tmp_path / "gan", *TOY)
    check_run(tmp_path / "gan", "gan")
    assert "gradient_penalty" not in summary(tmp_path / "gan")


def check_same(whole):
    """Return a check that a run ended as the one that nothing disturbed."""

    def check(out):
        assert summary(out)["state_sha256"] == summary(whole)["state_sha256"]
        assert rows(out) == rows(whole)
        check_run(out, "wgan")

    return check


@pytest.mark.slow
def test_a_run_killed_twenty_times_ends_with_the_same_state(timed, tmp_path):
    """At random moments, from the first import to the last figure."""
    whole, seconds = timed
    kill_at_random(
        20, seconds / 2, check_same(whole), "wgan", tmp_path / "killed", *TOY_WGAN
    )


@pytest.mark.slow
def test_a_signal_stops_the_run_so_that_it_can_be_resumed(whole, tmp_path):
    out = tmp_path / "stopped"
    process = start(command("wgan", out, *TOY_WGAN))
    wait_until((out / "metrics.jsonl").exists, process)
    process.send_signal(signal.SIGINT)
    errors = process.communicate(timeout=60)[1]
    assert process.returncode == 75, errors
    assert "--resume" in errors and errors.count("\n") == 1
    succeed("wgan", out, *TOY_WGAN, "--resume")
    check_same(whole)(out)


@pytest.mark.parametrize(
    ("flags", "code", "message"),
    [
        (["--epocs", "3"], 2, "--epocs"),
        (["--epochs", "none"], 2, "--epochs"),
        (["--epochs", "0"], 2, "--epochs must be at least 1, got 0"),
        (["--beta1", "1.0"], 2, "--beta1 must be in (-1, 1), got 1.0"),
        (["--penalty-weight", "-1"], 2, "--penalty-weight must be"),
        (
            [
                "--learning-rate",
                "0.9",
                "--penalty-weight",
                "1e38",
                "--batch-size",
                "200",
            ],
            5,
            "(step 20): critic",
        ),
    ],
)
def test_a_run_that_cannot_go_on_ends_with_one_line(tmp_path, flags, code, message):
    fail(code, message, "wgan", tmp_path / "out", *TOY, *flags)
    assert not (tmp_path / "out" / "summary.json").exists()
    assert not (tmp_path / "out" / "checkpoint").exists()


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"batch_size": 5000}, UsageError, "between 1 and 4000 examples"),
        (
            {"dataset": "mnist", "data_dir": Path("/nonexistent")},
            DataError,
            "found none",
        ),
    ],
)
def test_what_cannot_be_is_known_before_the_folder_is_made(
    tmp_path, options, error, message
):
    given: dict[str, Any] = {"dataset": "sample", "out": tmp_path / "out", **options}
    with pytest.raises(error, match=message):
        wgan.run(wgan.Config(**given))
    assert not (tmp_path / "out").exists()


def test_an_existing_run_is_neither_overwritten_nor_mixed(whole):
    toy: dict[str, Any] = {"dataset": "sample", "epochs": 6, "batch_size": 500}
    toy |= {"checkpoint_every": 1, "latent_dim": 4, "widths": (16,), "out": whole}
    toy_wgan = {**toy, "penalty_weight": 100.0}
    with pytest.raises(UsageError, match="--resume or --overwrite"):
        wgan.run(wgan.Config(**toy_wgan))
    other = {**toy_wgan, "seed": 1, "latent_dim": 9}
    with pytest.raises(UsageError, match="latent_dim was 4, is 9; seed was 0, is 1$"):
        wgan.run(wgan.Config(**other, resume=True))
    with pytest.raises(UsageError, match="experiment was 'wgan', is 'gan'"):
        gan.run(gan.Config(**toy, resume=True))


@pytest.mark.slow
def test_a_longer_run_goes_on_from_a_shorter_one(whole, tmp_path):
    out = tmp_path / "short"
    succeed("wgan", out, *TOY_WGAN, "--epochs", "2")
    succeed("wgan", out, *TOY_WGAN, "--resume")
    check_same(whole)(out)


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
