"""Classifier, evaluation and comparison as users run them, at toy length."""

import json

import numpy as np
import pytest
from PIL import Image
from processes import finish

from experiments.compare import report as comparison
from jaxgan import statistics
from jaxgan.statistics import Estimate


def read(path):
    return json.loads(path.read_text())


@pytest.fixture(scope="module")
def classifier(tmp_path_factory):
    out = tmp_path_factory.mktemp("classifier") / "run"
    done = finish("classifier", out, "--epochs", "3")
    assert done.returncode == 0, done.stderr
    return out


def test_a_classifier_learns_in_three_epochs(classifier):
    summary = read(classifier / "summary.json")
    assert summary["test_accuracy"] > 0.85
    card = read(classifier / "model" / "card.json")
    assert card["command"] == (
        "python -m experiments.classifier --dataset sample --epochs 3"
    )
    assert card["test_accuracy"] == summary["test_accuracy"]


def test_a_classifier_cannot_be_stretched(classifier):
    done = finish("classifier", classifier, "--epochs", "4", "--resume")
    assert done.returncode == 2 and "epochs was 3, is 4" in done.stderr


def test_evaluate_judges_the_model_of_a_run(classifier, tmp_path):
    run, out = tmp_path / "wgan", tmp_path / "evaluation"
    done = finish("wgan", run, "--epochs", "1", "--batch-size", "500")
    assert done.returncode == 0, done.stderr
    flags = ["--checkpoint", str(run), "--judge", str(classifier), "--samples", "100"]
    done = finish("evaluate", out, *flags)
    assert done.returncode == 0, done.stderr
    summary = read(out / "summary.json")
    numbers = [v for v in summary.values() if isinstance(v, float)]
    assert np.isfinite(numbers).all()
    assert summary["frechet_distance"] > 3 * summary["frechet_distance_floor"]
    assert summary["n_samples"] == 100
    table = (out / "table.md").read_text()
    assert table in done.stdout and "| coverage |" in table
    assert "training_floor" in table
    for name in ("samples", "nearest", "classes"):
        with Image.open(out / f"{name}.png") as image:
            assert np.asarray(image.convert("L")).std() > 5


@pytest.mark.parametrize(
    ("flags", "code", "message"),
    [
        (["--checkpoint", "none"], 4, "neither a folder with a card.json nor"),
        (["--checkpoint", "mnist-classifier"], 4, "has no generator"),
        (["--samples", "5"], 2, "--samples must be at least 20, got 5"),
    ],
)
def test_an_evaluation_that_cannot_be_ends_with_one_line(
    tmp_path, flags, code, message
):
    done = finish("evaluate", tmp_path / "out", *flags)
    assert done.returncode == code and message in done.stderr
    assert done.stderr.count("\n") == 1


TOY = ["--seeds", "2", "--steps", "20", "--points", "2", "--samples", "60"]
TOY += ["--batch-size", "32", "--latent-dim", "4"]


@pytest.fixture(scope="module")
def compared(tmp_path_factory):
    out = tmp_path_factory.mktemp("compare") / "contest"
    done = finish("compare", out, *TOY)
    assert done.returncode == 0, done.stderr
    return out


def test_compare_writes_everything(compared):
    out = compared
    summary = read(out / "summary.json")
    assert summary["seeds"] == 2 and summary["n_samples"] == 60
    assert summary["equal_time_steps"] >= summary["steps"] == 20
    for name in ("gan", "wgan_gp"):
        mean = summary[f"{name}_frechet_distance_mean"]
        assert mean > 2 * summary["frechet_distance_floor"]
    for name in ("frechet", "losses", "samples"):
        with Image.open(out / f"{name}.png") as image:
            assert np.asarray(image.convert("L")).std() > 5
    report = (out / "report.md").read_text()
    assert "After 20 steps the" in report and "| frechet_distance |" in report

    rows = (out / "GAN" / "metrics.jsonl").read_text().splitlines()
    first = json.loads(rows[0])
    assert first["step"] == 10 and len(first["frechet_distance"]) == 2
    assert first["frechet_distance"][0] != first["frechet_distance"][1]


@pytest.mark.slow
def test_a_comparison_that_is_done_trains_nothing(compared):
    out = compared
    summary = read(out / "summary.json")
    again = finish("compare", out, *TOY, "--resume")
    assert again.returncode == 0, again.stderr
    assert read(out / "summary.json") == summary
    assert "step 10" not in again.stdout


def test_the_permutation_test_is_exact():
    low, high = np.array([1.0, 2.0, 3.0]), np.array([7.0, 8.0, 9.0])
    assert statistics.permutation_p(low, high) == pytest.approx(2 / 20)
    assert statistics.permutation_p(low, low) == 1
    rng = np.random.default_rng(0)
    draws = [statistics.permutation_p(*rng.normal(size=(2, 4))) for _ in range(400)]
    # Under the null hypothesis P(p ≤ α) ≤ α.
    assert np.mean(np.array(draws) <= 0.1) == pytest.approx(0.1, abs=0.05)


def report(gan, wgan):
    """A finished contest whose Fréchet distances are given for every seed."""

    def rows(values):
        metrics = {"frechet_distance": values, "coverage": [0.5] * len(values)}
        return [{"step": 10, "seconds": 1.0, **metrics}]

    floor = {name: Estimate(1.0, 0.1) for name in ("frechet_distance", "coverage")}
    return comparison.Comparison(
        "sample", len(gan), 100, 10, "GAN", 10,
        {"GAN": rows(gan), "WGAN-GP": rows(wgan)}, floor,
    )  # fmt: skip


def test_words_follow_the_numbers():
    clear = comparison.words(report([9.0, 9.5, 9.2, 9.1], [3.0, 3.1, 3.3, 3.2]))
    assert "the WGAN-GP has the better Fréchet distance: 3.15" in clear
    assert "This is outside the seed noise (exact permutation test, p = 0.029)" in clear
    turned = comparison.words(report([3.0, 3.1, 3.3, 3.2], [9.0, 9.5, 9.2, 9.1]))
    assert "the GAN has the better Fréchet distance" in turned
    few = comparison.words(report([9.0, 9.5], [3.0, 3.1]))
    assert "not outside the seed noise" in few and "so few seeds can give" in few
    lost = comparison.words(report([9.0, None], [3.0, 3.1]))
    assert "After 10 steps there is no verdict: 1 seed diverged." in lost


def test_the_largest_rise_is_against_the_best_so_far():
    rows = [
        {"step": step, "frechet_distance": values}
        for step, values in ((1, [4.0, 9.0]), (2, [8.0, 3.0]), (3, [2.0, 1.0]))
    ]
    np.testing.assert_allclose(comparison.largest_rise(rows, 3), [2.0, 1.0])
    np.testing.assert_allclose(comparison.largest_rise(rows, 1), [1.0, 1.0])
