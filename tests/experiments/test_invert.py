"""The inversion experiment as users run it, at toy length."""

import json

import numpy as np
import pytest
from PIL import Image
from processes import finish, kill_when

from experiments.recipes import race
from experiments.running import targets
from experiments.running.errors import UsageError
from jaxgan import inversion


@pytest.fixture(scope="module")
def inverted(toy_model, tmp_path_factory):
    out = tmp_path_factory.mktemp("invert") / "run"
    # As many starts as leave two images to a part.
    flags = ["--checkpoint", str(toy_model), "--images", "6", "--starts", "400"]
    done = finish("invert", out, *flags)
    assert done.returncode == 0, done.stderr
    return out, flags


def test_an_inversion_writes_everything(inverted):
    out, _ = inverted
    summary = json.loads((out / "summary.json").read_text())
    assert summary["num_images"] == 6 and summary["num_starts"] == 400
    shares = [summary[f"{name}_fraction"] for name in ("strict", "kink", "degenerate")]
    assert sum(shares) >= 0.95
    assert 1 <= summary["distinct_minima_median"] <= 400
    assert 0 < summary["start_success_probability"] <= 1
    for name, interval in summary["intervals_over_images"].items():
        assert interval[0] <= summary[name] <= interval[1], name
    assert summary["gradients_per_image"] > 400 * 60
    rows = [json.loads(row) for row in (out / "minima.jsonl").read_text().splitlines()]
    assert np.median([row["seen"] for row in rows]) == summary["distinct_minima_median"]
    assert all(row["at_least"][0] >= row["seen"] for row in rows)
    with np.load(out / "results.npz") as results:
        assert results["latents"].shape == (6, 400, 2)
        assert results["losses"].shape == results["statuses"].shape == (6, 400)
        assert results["targets"].shape == (6, 28, 28)
        best = results["losses"].min(1)
    assert summary["best_mse_per_pixel_median"] == pytest.approx(np.median(best))
    for name in ("reconstructions", "errors", "distances", "convergence"):
        with Image.open(out / f"{name}.png") as image:
            assert np.asarray(image.convert("L")).std() > 5


def test_after_a_kill_what_is_sound_is_kept_and_what_is_not_is_done_again(
    inverted, tmp_path
):
    whole, flags = inverted
    out = tmp_path / "run"
    damaged, sound, missing = (out / "parts" / f"00000{n}.npz" for n in (0, 2, 4))
    kill_when(sound.exists, "invert", out, *flags)
    assert damaged.exists() and not missing.exists()
    content = bytearray(damaged.read_bytes())
    content[len(content) // 2] ^= 1
    damaged.write_bytes(bytes(content))
    missing.with_name(f".{missing.name}").write_bytes(content[:1000])  # a write cut off
    stamp = sound.stat().st_mtime_ns
    done = finish("invert", out, *flags, "--resume")
    assert done.returncode == 0, done.stderr
    assert f"{damaged}: its digest is not that" in done.stderr
    assert done.stderr.count("\n") == 1
    assert (out / "parts" / f"corrupt-{damaged.name}").read_bytes() == content
    assert sound.stat().st_mtime_ns == stamp
    with np.load(out / "results.npz") as found, np.load(whole / "results.npz") as same:
        assert set(found) == set(same)
        for name in found:
            np.testing.assert_array_equal(found[name], same[name])
    summaries = [json.loads((o / "summary.json").read_text()) for o in (out, whole)]
    for summary in summaries:
        del summary["wall_seconds"], summary["images_per_second"]
    assert summaries[0] == summaries[1]


def test_recipes_are_compared_at_equal_budgets(toy_model, tmp_path):
    out = tmp_path / "run"
    flags = ["--checkpoint", str(toy_model), "--images", "4", "--budget", "500"]
    done = finish("recipes", out, *flags)
    assert done.returncode == 0, done.stderr
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


def test_a_budget_is_spent_and_not_exceeded():
    for steps in (5, 54, 119, 120, 270):
        starts, survivors, each = race.plan(steps)
        first = 5 * (starts - survivors)
        assert 0 <= steps - (survivors * each + first) < 5 * survivors


def test_own_images_are_read_from_arrays_and_pictures(tmp_path):
    gray = np.arange(28 * 28, dtype=np.uint8).reshape(28, 28)
    np.save(tmp_path / "two.npy", np.stack([gray, 255 - gray]))
    np.save(tmp_path / "one.npy", gray[None, ..., None] / 255)
    Image.fromarray(gray).save(tmp_path / "one.png")
    paths = [tmp_path / name for name in ("two.npy", "one.npy", "one.png")]
    found = targets.from_files(paths, resize=False).images
    expected = np.stack([gray, 255 - gray, gray, gray])[..., None] / 127.5 - 1
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_another_size_is_refused_or_scaled_on_request(tmp_path):
    path = tmp_path / "large.png"
    Image.fromarray(np.full((56, 40), 51, np.uint8)).save(path)
    with pytest.raises(UsageError, match="28 × 28 pixels, found 56 × 40; add --resize"):
        targets.from_files([path], resize=False)
    found = targets.from_files([path], resize=True).images
    assert found.shape == (1, 28, 28, 1)
    np.testing.assert_allclose(found, 2 * 51 / 255 - 1, atol=1e-5)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (np.zeros(5), "expected gray images"),
        (np.zeros((2, 28, 28), np.int64), "expected uint8 or floating point"),
        (np.full((28, 28), 1.5), r"expected pixels in \[0, 1\], found 1.5 to 1.5"),
        (np.full((28, 28), np.nan), r"expected pixels in \[0, 1\]"),
        (np.array([{"a": 1}]), "Python objects in dtype"),
    ],
)
def test_arrays_that_are_no_images_are_refused(content, message, tmp_path):
    path = tmp_path / "bad.npy"
    np.save(path, content, allow_pickle=True)
    with pytest.raises(UsageError, match=message):
        targets.from_files([path], resize=False)


def test_files_that_are_no_images_are_refused(tmp_path):
    path = tmp_path / "bad.png"
    path.write_text("no image")
    with pytest.raises(UsageError, match="not an image"):
        targets.from_files([path], resize=False)
    with pytest.raises(UsageError, match="No such file"):
        targets.from_files([tmp_path / "none.png"], resize=False)


def test_generators_of_other_kinds_are_refused(tmp_path):
    done = finish("invert", tmp_path / "x", "--checkpoint", "mnist-classifier")
    assert done.returncode == 4 and "has no generator" in done.stderr
