"""The comparison of recipes as users run it, at toy length."""

import json

import numpy as np
import pytest
from PIL import Image
from processes import SAMPLE, succeed

from experiments.recipes import race, report
from jaxgan import inversion


def test_recipes_are_compared_at_equal_budgets(toy_model, tmp_path):
    out = tmp_path / "run"
    flags = ["--checkpoint", toy_model, "--images", "4", "--budget", "500"]
    succeed("recipes", out, *SAMPLE, *flags)
    summary = json.loads((out / "summary.json").read_text())
    medians = summary["mse_per_pixel_median"]
    assert set(inversion.RECIPES) < set(medians) and "jaxgan 100%" in medians
    others = [medians[name] for name in inversion.RECIPES]
    assert min(others) == medians[summary["best_preset"]]
    assert medians["jaxgan 100%"] <= min(others) * 1.001
    assert summary["gradients_of_best_preset"] <= 500
    with np.load(out / "errors.npz") as arrays:
        assert arrays["errors"].shape == arrays["norms"].shape == (len(medians), 4)
        norms = dict(zip(arrays["recipes"], np.median(arrays["norms"], 1), strict=True))
        kept = np.median(arrays["errors"], 1)
    np.testing.assert_allclose(kept, list(medians.values()), rtol=1e-6)
    assert norms == pytest.approx(summary["norm_median"])
    assert norms["jaxgan 10%, κ = 0.05"] < norms["jaxgan 10%"]
    assert norms["pulse"] == pytest.approx(np.sqrt(2), rel=1e-4)  # on the sphere
    with Image.open(out / "recipes.png") as image:
        assert np.asarray(image.convert("L")).std() > 5
    assert len(list((out / "parts").glob("*.npz"))) == len(medians)


def test_where_all_diverge_there_is_no_best_recipe():
    def one(*errors):
        return race.RecipeResult(np.array(errors), np.ones(len(errors)), 100.0, 1)

    lost, found = one(np.nan, np.inf), one(0.1, np.nan)
    names = list(inversion.RECIPES)
    ours = f"{race.OURS} 100%"
    numbers = report.summary({**dict.fromkeys(names, lost), ours: lost})
    assert (
        numbers["best_preset"] is None and numbers["gradients_of_best_preset"] is None
    )
    assert numbers["gradients_to_match_best_preset"] is None
    assert numbers["no_worse_than_every_preset"] == 0
    one_works = {**dict.fromkeys(names, lost), "csgm": one(0.2, 0.3), ours: found}
    numbers = report.summary(one_works)
    assert numbers["best_preset"] == "csgm"
    assert numbers["no_worse_than_every_preset"] == 0.5
    assert "inf" in report.table(one_works)


def test_held_in_the_prior_ours_is_compared_with_short_codes_only():
    def one(error, norm, gradients):
        return race.RecipeResult(np.full(2, error), np.full(2, norm), gradients, 1)

    names = dict.fromkeys(inversion.RECIPES, one(0.9, 99.0, 500.0))
    found = {
        **names,
        "csgm": one(0.1, 50.0, 500.0),
        "pulse": one(0.3, 8.0, 400.0),
        f"{race.OURS} 100%": one(0.01, 90.0, 500.0),
        f"{race.OURS} 3%, κ = 0.05": one(0.4, 7.0, 15.0),
        f"{race.OURS} 10%, κ = 0.05": one(0.2, 8.1, 50.0),
    }
    numbers = report.summary(found)
    assert numbers["best_preset"] == "csgm"
    assert numbers["gradients_to_match_best_preset"] == 500.0
    assert numbers["best_short_preset"] == "pulse"
    assert numbers["gradients_to_match_best_short_preset"] == 50.0
    said = report.in_words(numbers)
    assert "the best, pulse, takes 400; ours with this κ reaches it with 50." in said
    assert "| pulse | 1 | 400 | 3.00e-01 | 3.00e-01 | 8 | 100.0% |" in report.table(
        found
    )


def test_a_budget_is_spent_and_not_exceeded():
    for steps in (1, 5, 23, 24, 55, 198):
        starts, survivors, each = race.plan(steps)
        first = starts - survivors  # the others take one step
        assert 0 <= steps - (survivors * each + first) < survivors
