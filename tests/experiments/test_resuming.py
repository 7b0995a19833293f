"""Long experiments that are killed: they end with the numbers of one that was not."""

import json
import random
import shutil
import time

import pytest
from processes import command, finish, kill_after, run_experiment

pytestmark = pytest.mark.slow

GENERATOR = ["--checkpoint", "TOY"]
JUDGED = ["--seeds", "2", "--batch-size", "32", "--samples", "60"]
FLAGS = {
    "recover": [*GENERATOR, "--images", "150", "--starts", "2"],
    "recipes": [*GENERATOR, "--images", "4", "--budget", "500"],
    "compare": [*JUDGED, "--steps", "20", "--points", "4", "--latent-dim", "4"],
    "rate_distortion": [
        *("--epochs", "1", "--units", "8", "--latent-dim", "3", "--seeds", "2"),
        *("--betas", "0.1", "10", "--batch-size", "500", "--depth", "9"),
        *("--likelihood-images", "10", "--likelihood-draws", "5"),
    ],
    "path_gan": [
        *(*JUDGED, "--steps", "8", "--chunk", "4", "--latent-dim", "3"),
        *("--widths", "8", "16", "--pairs", "4", "--segments", "16", "--digits", "2"),
        *("--path-weights", "0.5", "--line-weights", "--length-weights"),
    ],
}


def numbers(experiment, out):
    """Everything that a run found, but for what depends on how long it took."""
    if experiment == "path_gan":
        files = sorted((out / "models").rglob("numbers.json"))
        rows = {str(f.relative_to(out)): json.loads(f.read_text()) for f in files}
        found = {name: row["numbers"] for name, row in rows.items()}
        for row in found.values():
            row.pop("none, equal time", None)
            for of_arm in row.values():
                del of_arm["step_ms"]
        return found
    summary = json.loads((out / "summary.json").read_text())
    return {
        name: value
        for name, value in summary.items()
        if not any(word in name for word in ("second", "time", "quick"))
    }


def newest(out):
    """Parts, numbers and the manifests of the newest states."""
    states = [
        max(folder.glob("[0-9]*/manifest.json"), key=lambda p: int(p.parent.name))
        for folder in out.rglob("checkpoint")
    ]
    return [*out.glob("parts/*.npz"), *out.rglob("0/numbers.json"), *states]


@pytest.mark.parametrize("experiment", FLAGS)
def test_a_long_experiment_survives_kills_and_damage(experiment, tmp_path, toy_model):
    flags = [str(toy_model) if f == "TOY" else f for f in FLAGS[experiment]]
    data = [] if experiment == "recover" else ["--dataset", "sample"]
    begin = run_experiment if experiment == "recover" else finish
    whole, out = tmp_path / "whole", tmp_path / "killed"
    started = time.monotonic()
    done = begin(experiment, whole, *flags)
    assert done.returncode == 0, done.stderr
    span = time.monotonic() - started

    rng, kills, quick = random.Random(0), 0, 0
    while kills < 4:
        resume = ["--resume"] if (out / "config.json").exists() else []
        words = command(experiment, out, *data, *flags, *resume)
        started = time.monotonic()
        code, errors = kill_after(rng.uniform(0.2, 0.9) * span, words)
        if code == 0:
            quick += 1
            span = time.monotonic() - started
            assert numbers(experiment, out) == numbers(experiment, whole)
            shutil.rmtree(out)
            continue
        kills += 1
        assert not errors, errors
    resume = ["--resume"] if (out / "config.json").exists() else []
    done = begin(experiment, out, *flags, *resume)
    assert done.returncode == 0 and not done.stderr, done.stderr
    assert numbers(experiment, out) == numbers(experiment, whole)

    damaged = newest(out)[:3]
    for path in damaged:
        path.write_bytes(path.read_bytes()[:-1])
    done = begin(experiment, out, *flags, "--resume")
    assert done.returncode == 0, done.stderr
    lines = done.stderr.splitlines()
    assert len(lines) == len(damaged) >= 2
    assert all(line.startswith("warning: ") for line in lines)
    assert all("set aside" in line for line in lines)
    assert numbers(experiment, out) == numbers(experiment, whole)
    print(f"{experiment}: {kills} kills, {quick} runs too quick, {len(lines)} damaged")
