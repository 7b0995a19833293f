"""The comparison of recipes as users run it, at toy length."""

import json

import numpy as np
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
        assert arrays["errors"].shape == (len(medians), 4)
        kept = np.median(arrays["errors"], 1)
    np.testing.assert_allclose(kept, list(medians.values()), rtol=1e-6)
    with Image.open(out / "recipes.png") as image:
        assert np.asarray(image.convert("L")).std() > 5
    assert len(list((out / "parts").glob("*.npz"))) == len(medians)


def test_where_all_diverge_there_is_no_best_recipe():
    def one(*errors):
        return race.RecipeResult(np.array(errors), 100.0, 1)

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


def test_a_budget_is_spent_and_not_exceeded():
    for steps in (1, 5, 23, 24, 55, 198):
        starts, survivors, each = race.plan(steps)
        first = starts - survivors  # the others take one step
        assert 0 <= steps - (survivors * each + first) < survivors
