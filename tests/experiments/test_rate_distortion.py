"""The rate-distortion experiment as users run it, at toy size."""

import json

import numpy as np
import pytest
from PIL import Image
from processes import SAMPLE, succeed

from experiments.rate_distortion import __main__ as rate_distortion
from experiments.running.errors import UsageError

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
        ({"likelihood_draws": 0}, "--likelihood-draws must be at least 1, got 0"),
    ],
)
def test_flags_that_cannot_be_are_one_line(options, message, tmp_path):
    with pytest.raises(UsageError, match=message):
        config = rate_distortion.Config(dataset="sample", out=tmp_path / "x", **options)
        rate_distortion.run(config)
    assert not (tmp_path / "x").exists()
