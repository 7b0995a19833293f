"""The rate-distortion experiment as users run it, at toy size."""

import json

import jax.numpy as jnp
import numpy as np
import pytest
from PIL import Image
from processes import SAMPLE, succeed

from experiments.rate_distortion import __main__ as rate_distortion
from experiments.rate_distortion import figures, report
from experiments.rate_distortion.measures import Measurements
from experiments.rate_distortion.models import Digits
from experiments.rate_distortion.sweep import KindResults
from experiments.running.errors import UsageError
from jaxgan.autoencoders import Exactness

FLAGS = [
    *SAMPLE,
    *("--steps", "8", "--units", "8", "--latent-dim", "3", "--seeds", "2"),
    *("--betas", "0.1", "10", "--batch-size", "500", "--depth", "9"),
    *("--likelihood-images", "10", "--likelihood-draws", "5"),
]


@pytest.fixture(scope="module")
def swept(tmp_path_factory):
    out = tmp_path_factory.mktemp("rate_distortion") / "run"
    return out, succeed("rate_distortion", out, *FLAGS)


def test_a_sweep_writes_everything(swept):
    out, said = swept
    summary = json.loads((out / "summary.json").read_text())
    lines = (out / "metrics.jsonl").read_text().splitlines()
    models = [json.loads(line) for line in lines]
    assert len(models) == 8 == len(list((out / "parts").glob("*.npz")))
    table = (out / "table.md").read_text()
    assert (
        table in said and table.count("\n| β-VAE |") == table.count("\n| Echo |") == 2
    )
    for row in models:
        assert row["minus_elbo"] == pytest.approx(row["rate"] + row["distortion"])
        is_echo = row["kind"] == "echo"
        assert (row["importance_log_likelihood"] is None) == is_echo
        assert (row["in_batch_extra_distortion"] is None) != is_echo
        if is_echo:
            assert row["rate"] >= row["echo_floor"] * (1 - 1e-6)
            assert row["echo_ceiling"] == pytest.approx(np.log(4000))
        else:
            assert row["importance_log_likelihood"] < 0
    with np.load(out / "curves.npz") as curves:
        assert curves["betas"].tolist() == [0.1, 10]
        for kind in ("gaussian", "echo"):
            assert curves[f"{kind}_rates"].shape == (2, 2, 1000)
            totals = curves[f"{kind}_rates"] + curves[f"{kind}_distortions"]
            rows = [row["minus_elbo"] for row in models if row["kind"] == kind]
            np.testing.assert_allclose(totals.mean(2).ravel(), rows, rtol=1e-5)
    assert summary["dominance"] in ("first", "second", "neither")
    assert 150 < summary["distortion_at_rate_zero"] < 250
    for name in ("plane", "reconstructions", "samples"):
        with Image.open(out / f"{name}.png") as image:
            assert np.asarray(image.convert("L")).std() > 5


@pytest.mark.slow
def test_models_that_are_done_are_not_trained_again(swept):
    out, said = swept
    stamps = {p: p.stat().st_mtime_ns for p in (out / "parts").glob("*.npz")}
    assert succeed("rate_distortion", out, *FLAGS, "--resume") == said
    assert all(path.stat().st_mtime_ns == stamp for path, stamp in stamps.items())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"betas": (1.0, 1.0)}, "--betas must be all different"),
        ({"betas": (-1.0,)}, "--betas must be all at least 0"),
        ({"batch_size": 99}, "--batch-size must be more than --depth, got 99"),
        ({"batch_size": 5000}, "--batch-size must be at most 4000 here"),
        ({"batch_size": 2000, "depth": 1000}, "--depth must be below the 1000 test"),
        ({"training_images": 4001}, "--training-images must be at most 4000 here"),
        ({"training_images": 100}, "--batch-size must be at most 100 here"),
        ({"likelihood_draws": 0}, "--likelihood-draws must be at least 1, got 0"),
    ],
)
def test_flags_that_cannot_be_are_one_line(options, message, tmp_path):
    with pytest.raises(UsageError, match=message):
        config = rate_distortion.Config(dataset="sample", out=tmp_path / "x", **options)
        rate_distortion.run(config)
    assert not (tmp_path / "x").exists()


def results(lost):
    """Fabricated results of three β and two seeds; `lost` are their places."""
    images = np.linspace(1.0, 2.0, 5)
    grid = np.arange(1.0, 7.0).reshape(3, 2)
    for place in lost:
        grid[place] = np.nan
    each = grid[..., None] * images
    pictures = np.repeat(grid / 10, 2 * 28 * 28).reshape(3, 2, 2, 28, 28)
    measured = Measurements(
        *(each, 20 - each, each, grid, grid, grid, each, each, pictures, pictures),
        *(grid, grid, grid),
    )
    exact = {name: np.where(np.isfinite(grid), 1, grid) for name in Exactness._fields}
    exact |= {name: grid > 9 for name in ("above_ceiling", "at_floor")}
    return KindResults(measured, exact, np.ones((3, 2)))


EVERY = [(beta, seed) for beta in range(3) for seed in range(2)]


@pytest.mark.parametrize(
    ("lost", "kept", "said"),
    [
        ([(1, 0)], [0.1, 10], "1 of the Echo models lost"),
        ([(1, 0), (1, 1), (2, 0)], [0.1], "3 of the Echo models lost"),
        (EVERY, [], "There is nothing to compare."),
    ],
)
def test_models_whose_loss_is_not_finite_are_lost_and_never_the_best(
    lost, kept, said, tmp_path, capsys
):
    found = {"gaussian": results([]), "echo": results(lost)}
    betas, limits = (0.1, 1.0, 10.0), figures.Limits(200.0, 8.3, 1.0)
    curves = report.curves_of(found)
    assert report.betas_of(found, betas)["echo"] == kept
    assert curves["echo"].rates.shape == (len(kept), 2, 5)
    assert np.isfinite(curves["echo"].rates).all()
    rows = report.rows(found, betas)
    table = report.table(rows).splitlines()[5:]
    for line, beta in zip(table, betas, strict=True):
        assert ("| lost (" in line) == (beta not in kept)
    numbers = report.summary(rows, None, limits, 1)
    best = numbers["echo_best_minus_elbo"]
    assert best is None if not kept else best == pytest.approx(20)
    assert numbers["echo_lost"] == len(lost) and numbers["gaussian_lost"] == 0
    assert said in report.in_words(numbers)
    digits = Digits(*[jnp.zeros((5, 28, 28, 1), jnp.uint8)] * 3)
    report.write(tmp_path, digits, found, betas, None, limits, rows)
    compared = report.gaps_table(found, betas).splitlines()[3:]
    assert [line.split(" | ")[0] for line in compared] == [f"| {b:g}" for b in kept]
    assert all(" | 0.00 | 0.00 to 0.00 |" in line for line in compared)
    assert len(list(tmp_path.glob("*.png"))) == 3 and not capsys.readouterr().err
