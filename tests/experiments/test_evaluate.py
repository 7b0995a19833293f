"""A classifier and what it judges, as users run them, at toy length."""

import json
import shutil

import numpy as np
import pytest
from PIL import Image
from processes import SAMPLE, fail, succeed

from experiments import classifier as command
from experiments import evaluate
from experiments.running.errors import UsageError
from jaxgan.errors import CheckpointError


def read(path):
    return json.loads(path.read_text())


@pytest.fixture(scope="module")
def classifier(tmp_path_factory):
    out = tmp_path_factory.mktemp("classifier") / "run"
    succeed("classifier", out, *SAMPLE, "--epochs", "2")
    return out


def test_a_classifier_learns_in_two_epochs(classifier):
    summary = read(classifier / "summary.json")
    assert summary["test_accuracy"] > 0.85
    card = read(classifier / "model" / "card.json")
    assert card["command"] == (
        "python -m experiments.classifier --dataset sample --epochs 2"
    )
    assert card["test_accuracy"] == summary["test_accuracy"]


def test_a_classifier_cannot_be_stretched(classifier):
    config = command.Config(dataset="sample", out=classifier, epochs=4, resume=True)
    with pytest.raises(UsageError, match="epochs was 2, is 4"):
        command.run(config)


def test_evaluate_judges_the_model_of_a_run(classifier, toy_model, tmp_path):
    run, out = tmp_path / "run", tmp_path / "evaluation"
    shutil.copytree(toy_model, run / "model")
    flags = ["--checkpoint", run, "--judge", classifier, "--samples", "100"]
    said = succeed("evaluate", out, *SAMPLE, *flags)
    summary = read(out / "summary.json")
    numbers = [v for v in summary.values() if isinstance(v, float)]
    assert np.isfinite(numbers).all()
    assert summary["frechet_distance"] > 3 * summary["frechet_distance_floor"]
    assert summary["n_samples"] == 100
    table = (out / "table.md").read_text()
    assert table in said and "| coverage |" in table
    assert "training_floor" in table
    for name in ("samples", "nearest", "classes"):
        with Image.open(out / f"{name}.png") as image:
            assert np.asarray(image.convert("L")).std() > 5


@pytest.mark.parametrize(
    ("checkpoint", "message"),
    [
        ("none", "neither a folder with a card.json nor"),
        ("mnist-classifier", "has no generator"),
    ],
)
def test_what_is_no_generator_is_not_judged(tmp_path, checkpoint, message):
    with pytest.raises(CheckpointError, match=message):
        evaluate.run(evaluate.Config(checkpoint=checkpoint, out=tmp_path / "out"))
    assert not (tmp_path / "out").exists()


def test_too_few_samples_are_one_line(tmp_path):
    message = "--samples must be at least 20, got 5"
    fail(2, message, "evaluate", tmp_path / "out", "--samples", "5")
