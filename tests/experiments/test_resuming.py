"""Long experiments that are killed: they end with the numbers of one that was not."""

import json
import time

import pytest
from processes import SAMPLE, kill_at_random, run, succeed

pytestmark = pytest.mark.slow

GENERATOR = ["--checkpoint", "TOY"]
JUDGED = ["--seeds", "2", "--batch-size", "32", "--samples", "60"]
FLAGS = {
    "recover": [*GENERATOR, "--images", "150", "--starts", "2"],
    "recipes": [*GENERATOR, "--images", "4", "--budget", "500"],
    "compare": [*JUDGED, "--steps", "20", "--points", "4", "--latent-dim", "4"],
    "rate_distortion": [
        *("--steps", "8", "--units", "8", "--latent-dim", "3", "--seeds", "2"),
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
    flags += [] if experiment == "recover" else SAMPLE
    whole, out = tmp_path / "whole", tmp_path / "killed"
    started = time.monotonic()
    succeed(experiment, whole, *flags)
    seconds = time.monotonic() - started

    def check(out):
        assert numbers(experiment, out) == numbers(experiment, whole)

    kill_at_random(4, seconds, check, experiment, out, *flags)

    damaged = newest(out)[:3]
    for path in damaged:
        path.write_bytes(path.read_bytes()[:-1])
    done = run(experiment, out, *flags, "--resume")
    assert done.returncode == 0, done.stderr
    lines = done.stderr.splitlines()
    assert len(lines) == len(damaged) >= 2
    assert all(line.startswith("warning: ") for line in lines)
    assert all("set aside" in line for line in lines)
    assert numbers(experiment, out) == numbers(experiment, whole)
    print(f"{experiment}: {len(lines)} files were damaged")
