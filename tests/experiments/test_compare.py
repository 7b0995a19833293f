"""The comparison of a GAN with a WGAN-GP as users run it, at toy length."""

import json

import numpy as np
import pytest
from PIL import Image
from processes import SAMPLE, succeed

from experiments.compare import contest, figures
from experiments.compare import report as comparison
from jaxgan.statistics import Estimate


def read(path):
    return json.loads(path.read_text())


TOY = [*SAMPLE, "--seeds", "2", "--samples", "60", "--batch-size", "32"]
# Steps one by one, also those of equal time: one program for each algorithm.
TOY += ["--latent-dim", "4", "--steps", "2", "--points", "2"]


@pytest.fixture(scope="module")
def compared(tmp_path_factory):
    out = tmp_path_factory.mktemp("compare") / "contest"
    succeed("compare", out, *TOY)
    return out


def test_compare_writes_everything(compared):
    out = compared
    summary = read(out / "summary.json")
    assert summary["seeds"] == 2 and summary["n_samples"] == 60
    assert summary["equal_time_steps"] >= summary["steps"] == 2
    for name in ("gan", "wgan_gp"):
        mean = summary[f"{name}_frechet_distance_mean"]
        assert mean > 2 * summary["frechet_distance_floor"]
    for name in ("frechet", "losses", "samples"):
        with Image.open(out / f"{name}.png") as image:
            assert np.asarray(image.convert("L")).std() > 5
    report = (out / "report.md").read_text()
    assert "After 2 steps the" in report and "| frechet_distance |" in report

    rows = (out / "GAN" / "metrics.jsonl").read_text().splitlines()
    first = json.loads(rows[0])
    assert first["step"] == 1 and len(first["frechet_distance"]) == 2
    for distance in ("frechet_distance", "class_matched_frechet_distance"):
        assert np.isfinite(first[distance]).all()
        assert first[distance][0] != first[distance][1]


@pytest.mark.slow
def test_a_comparison_that_is_done_trains_nothing(compared):
    out = compared
    summary = read(out / "summary.json")
    said = succeed("compare", out, *TOY, "--resume")
    again = read(out / "summary.json")
    assert again.pop("wall_seconds") > summary.pop("wall_seconds")  # of both together
    assert again == summary
    assert "step 1," not in said


def report(gan, wgan):
    """A finished contest whose Fréchet distances are given for every seed."""

    def rows(values):
        metrics = {"frechet_distance": values, "coverage": [0.5] * len(values)}
        metrics["class_matched_frechet_distance"] = values
        return [{"step": 10, "seconds": 1.0, **metrics}]

    floor = {
        name: Estimate(1.0, 0.1)
        for name in ("frechet_distance", "class_matched_frechet_distance", "coverage")
    }
    return comparison.Comparison(
        "sample", len(gan), 100, 10, "GAN", 10,
        {"GAN": rows(gan), "WGAN-GP": rows(wgan)}, floor,
    )  # fmt: skip


def test_words_follow_the_numbers():
    clear = comparison.words(report([9.0, 9.5, 9.2, 9.1], [3.0, 3.1, 3.3, 3.2]))
    assert "the WGAN-GP has the better Fréchet distance: 3.15" in clear
    assert (
        "This is outside the seed noise (exact permutation test, p = 0.029; 0.029 is"
        in clear
    )
    assert "the least that as many seeds can give" in clear
    assert "With every class at its share among the test images the WGAN-GP" in clear
    turned = comparison.words(report([3.0, 3.1, 3.3, 3.2], [9.0, 9.5, 9.2, 9.1]))
    assert "the GAN has the better Fréchet distance" in turned
    few = comparison.words(report([9.0, 9.5], [3.0, 3.1]))
    assert "not outside the seed noise" in few and "so few seeds can give" in few
    lost = comparison.words(report([9.0, None], [3.0, 3.1]))
    assert "After 10 steps there is no verdict: 1 seed diverged." in lost


NAN = float("nan")


@pytest.mark.parametrize(
    ("gan", "wgan", "lost"),
    [
        ([NAN, NAN], [1.0, 2.0], ("GAN", "GAN, equal time")),
        ([1.0, 2.0], [NAN, NAN], ("WGAN-GP",)),
        ([NAN, NAN], [NAN, NAN], ("GAN", "WGAN-GP", "GAN, equal time")),
    ],
)
def test_seeds_that_all_diverged_are_lost_and_nobody_wins(tmp_path, gan, wgan, lost):
    """Then nothing but the Fréchet distance is in their rows, which is NaN."""
    finished = report(gan, wgan)
    for name, values in (("GAN", gan), ("WGAN-GP", wgan)):
        row = finished.rows[name][0]
        row |= {"critic_loss": values, "generator_loss": values}
        row |= {"wasserstein_estimate": values, "wasserstein_estimate_heldout": values}
        if np.isnan(values).all():
            del (
                row["coverage"],
                row["class_matched_frechet_distance"],
                row["wasserstein_estimate_heldout"],
            )
    assert comparison.words(finished).count("there is no verdict") == 4
    header, _, *rows = comparison.table(finished).splitlines()
    for row in rows[:4]:  # three metrics, and the largest rise
        cells = dict(zip(header.split(" | "), row.split(" | "), strict=True))
        found = [name for name, cell in cells.items() if cell == "lost (2 of 2 seeds)"]
        assert tuple(found) == lost
    numbers = comparison.summary(finished)
    assert np.isnan(
        [numbers["frechet_distance_p_value"], numbers["coverage_p_value"]]
    ).all()
    figures.draw(tmp_path, finished)
    assert len(list(tmp_path.glob("*.png"))) == 3


def test_of_equal_means_neither_is_the_better():
    words = comparison.words(report([1.0, 3.0], [2.0, 2.0]))
    assert "both have the same Fréchet distance, 2." in words
    assert "better" not in words


def test_the_largest_rise_is_against_the_best_so_far():
    rows = [
        {"step": step, "frechet_distance": values}
        for step, values in ((1, [4.0, 9.0]), (2, [8.0, 3.0]), (3, [2.0, 1.0]))
    ]
    np.testing.assert_allclose(comparison.largest_rise(rows, 3), [2.0, 1.0])
    np.testing.assert_allclose(comparison.largest_rise(rows, 1), [1.0, 1.0])


def test_a_step_takes_what_it_took_where_nothing_else_ran():
    """A machine that others use as well, or a pause, is not the algorithm's."""
    rows = [{"step": s, "seconds": t} for s, t in ((10, 5.0), (30, 9.0), (40, 99.0))]
    assert contest.seconds_per_step(rows, 40) == pytest.approx(0.2)
    assert contest.seconds_per_step(rows, 10) == pytest.approx(0.5)


@pytest.mark.slow
def test_each_algorithm_has_the_optimiser_that_was_chosen_for_it(compared, tmp_path):
    chosen = "--learning-rate", "1e-4", "5e-4", "--beta1", "0.5", "0"
    succeed("compare", tmp_path / "chosen", *TOY, *chosen)
    for name, same in (("GAN", False), ("WGAN-GP", True)):
        first, second = (
            json.loads((out / name / "metrics.jsonl").read_text().splitlines()[0])
            for out in (compared, tmp_path / "chosen")
        )
        assert (first["generator_loss"] == second["generator_loss"]) is same
