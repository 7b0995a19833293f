"""The path experiment as users run it, at toy size, and the referee of its plane."""

import json

import closed_forms
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from PIL import Image
from processes import SAMPLE, fail, succeed

from experiments.path import __main__, along, pairs, plane, realism, report
from experiments.running.errors import UsageError
from jaxgan import data, paths, storage


@pytest.fixture(scope="module")
def walked(toy_model, tmp_path_factory):
    out = tmp_path_factory.mktemp("path") / "run"
    flags = ["--checkpoint", toy_model, "--pairs", "3", "--segments", "32"]
    succeed("path", out, *SAMPLE, *flags, "--starts", "2", "--compared", "0")
    return out


def test_a_walk_writes_everything(walked):
    summary = json.loads((walked / "summary.json").read_text())
    assert summary["pairs"] == 3 and summary["segments"] == 32
    assert summary["energy_bound"] <= summary["energy"]
    rounding = 1 + 1e-6
    assert 1 <= summary["rho"] <= summary["rho_line"] * rounding
    parts = ("half_square_image_distance", "square_code_distance")
    with np.load(walked / "path.npz") as found:
        assert found["paths"].shape == (3, 33, 2)
        np.testing.assert_allclose(found["paths"][:, 0], found["codes_a"], rtol=1e-6)
        logs = np.log(found["least"]) + 2 * np.log(found["distance"])
        middle = np.median(found["energy"] / np.exp(logs))
        assert found["spread"].shape == (3, 2)
        again = report.found_again(found["spread"])
        rho_line = found["energy_line"] / np.exp(logs)
    assert summary["rho"] == pytest.approx(middle)
    assert (summary["starts"], summary["found_again_fraction"]) == (2, again)
    assert summary["rho_low"] <= summary["rho"] <= summary["rho_high"]
    assert 1 <= summary["rho_floor_nearest_median"] <= 2
    assert (summary["codes"], summary["prior_weight"]) == ("digits", 0.01)
    assert summary["squared_error"] > 0 and summary["code_norm"] > 0
    distance = 2 * np.log([summary["code_distance"], summary["image_distance"]])
    names = [f"log_{part}" for part in parts[::-1]]
    expected = [summary[names[0]], summary[names[1]] + np.log(2)]
    np.testing.assert_allclose(distance, expected, rtol=1e-5)
    assert summary["detour_line"] == pytest.approx(1, rel=1e-5)
    assert 1 <= summary["height_minimiser"] <= summary["height_line"] * rounding
    assert summary["height_line"] ** 2 <= np.max(rho_line) * rounding
    real, crossfade = (summary[f"confidence_{k}_median"] for k in ("real", "crossfade"))
    assert real > 0.99 > crossfade
    halfway = [v for name, v in summary.items() if name.startswith("frechet_distance")]
    assert halfway == [None] * 12  # three pairs, and features many more
    assert all(np.isfinite(summary[f"log_{part}"]) for part in parts)
    assert summary["referee_pairs"] == 3
    names = ("strip", "metric", "rho", "realism", "map")
    for name in (*(f"{n}.png" for n in names), "path.gif"):
        with Image.open(walked / name) as image:
            assert np.asarray(image.convert("L")).std() > 5


def test_a_least_energy_is_found_again_where_two_starts_have_it():
    lost = [np.inf, np.inf, np.inf]
    spread = np.array([[1.0, 2.0, 1.001], [1.0, 1.003, 1.5], [3.0, 2.0, np.inf], lost])
    assert report.found_again(spread) == 1 / 4
    assert report.found_again(spread[:, :1]) is None


@pytest.mark.slow
def test_methods_are_compared(toy_model, tmp_path):
    flags = ["--checkpoint", toy_model, "--codes", "prior", "--pairs", "2"]
    succeed("path", tmp_path / "run", *SAMPLE, *flags, "--compared", "1")
    summary = json.loads((tmp_path / "run" / "summary.json").read_text())
    names = ("coarse_to_fine", "adam")
    ours, adam = (summary[f"evaluations_to_gap_{name}"] for name in names)
    assert ours < adam
    with Image.open(tmp_path / "run" / "convergence.png") as image:
        assert np.asarray(image.convert("L")).std() > 5


def test_averages_are_of_two_images_of_different_classes():
    images = np.arange(6, dtype=np.uint8)[:, None, None, None] * np.full(
        (1, 28, 28, 1), 40, np.uint8
    )
    classes = np.array([0, 0, 0, 1, 1, 1])
    averages = realism.average_of_two(jax.random.key(3), images, classes)
    values = averages[:, 0, 0, 0] // 20
    assert len(averages) >= 2 and averages.dtype == np.uint8
    assert (averages == averages[:, :1, :1]).all()
    # One of 0…2 and one of 3…5: their sum is from 3 to 7.
    assert values.min() >= 3 and values.max() <= 7


def test_the_scale_tells_digits_from_averages():
    """Paths whose images are real digits at their ends, and one gray half-way."""
    count = 150
    training, test = (data.load("sample", split).images for split in ("train", "test"))
    images = np.full((count, along.STOPS + 1, 28, 28, 1), 0.0, np.float32)
    images[:, 0] = training[::26][:count] / 127.5 - 1
    none = paths.Factors(*[jnp.zeros(count)] * 3)
    profile = along.Profile(images, *[np.zeros((count, 0))] * 4, factors=none)
    classify = storage.load_classifier()
    ends = [images_of[:count] / np.float32(255) for images_of in (test, test[count:])]
    some = pairs.Pairs(*[np.zeros((count, 2), np.float32)] * 2, *ends)
    found = realism.measure(
        jax.random.key(0), classify, training, test, some, {"line": profile}
    )
    assert (found.floor.corrected <= found.floor.nearest).all()
    assert (1 <= found.floor.corrected).all() and (found.floor.nearest <= 2).all()
    halfway = {name: each.value for name, each in found.halfway.items()}
    assert halfway.keys() == {"line", "ends", "crossfade", "real"}
    assert halfway["line"] > 2 * halfway["crossfade"] > 4 * halfway["ends"]
    # Both are 150 training images.
    error = found.halfway["real"].standard_error + found.halfway["ends"].standard_error
    assert abs(halfway["ends"] - halfway["real"]) < 3 * error
    assert (
        np.median(found.real.confidence) > 0.99 > np.median(found.crossfade.confidence)
    )
    assert np.median(found.real.training) < np.median(found.crossfade.training)


def test_the_least_rho_of_realistic_paths_in_closed_form():
    """Ends at ±4 on a line, so D = 8, and training images at distance δ from 0."""
    images = np.zeros((1, 1, 2, 1), np.float32)
    images[..., 0, 0] = 4
    codes = np.zeros((1, 2), np.float32)
    pair = pairs.Pairs(codes, codes, images, -images)

    def floors(nearest, unseen):
        seen = realism.Seen(np.ones(3), np.array([0.0, unseen, 9.0]))
        found = realism.least_rho(pair, np.array([[0, nearest], [9, 9]]), seen)
        return found.nearest[0], found.corrected[0]

    assert floors(3.0, 0.0) == pytest.approx([1 + 4 * 9 / 64] * 2)
    assert floors(3.0, 2.0) == pytest.approx((1 + 4 * 9 / 64, 1 + 4 * 5 / 64))
    assert floors(3.0, 3.5) == pytest.approx((1 + 4 * 9 / 64, 1))
    # No further than the ends, which are on the path.
    assert floors(7.0, 0.0) == (2, 2)


def test_few_pairs_need_no_other_flag():
    __main__.Config(pairs=2).check()
    __main__.Config(pairs=2, compared=2).check()
    with pytest.raises(UsageError, match="--compared must be in 0…pairs, got 3"):
        __main__.Config(pairs=2, compared=3).check()


def test_flags_that_cannot_be_are_one_line(tmp_path):
    message = "--segments must be a power of two, at least 32, got 33"
    fail(2, message, "path", tmp_path / "x", "--segments", "33")
    message = "--prior-weight must be at least 0, and with --codes digits, got 0.1"
    fail(
        2, message, "path", tmp_path / "x", "--prior-weight", "0.1", "--codes", "prior"
    )


def test_pairs_are_of_two_classes_each_and_of_different_images():
    labels = np.array([1, 1, 1, 2, 3, 3, 2])
    first, second = pairs.matched(labels, 3)
    assert first.tolist() == [0, 1, 2] and second.tolist() == [3, 4, 5]
    with pytest.raises(UsageError, match="--pairs must be at most 3 here, got 4"):
        pairs.matched(labels, 4)


def test_a_larger_prior_weight_gives_shorter_codes_that_fit_less_well(toy_model):
    generator = storage.load_generator(toy_model)
    images = data.load("sample", "test").images[:4].astype(np.float32) / 127.5 - 1

    def measured(weight):
        codes = pairs.codes_of(jax.random.key(0), generator, images, weight)
        apart = np.asarray(generator.generate(jnp.asarray(codes))) - images
        return np.linalg.norm(codes), np.linalg.norm(apart)

    (long, near), (short, far) = measured(0.01), measured(1e3)
    assert short < 0.9 * long and near < far


def test_prior_pairs_do_not_depend_on_their_number(toy_model):
    generator = storage.load_generator(toy_model)
    key = jax.random.key(0)
    few, many = (pairs.of_prior(key, generator, n) for n in (2, 5))
    for some, all_ in zip(few, many, strict=True):
        np.testing.assert_allclose(some, all_[:2], atol=1e-6)


def test_the_referee_is_exact_where_the_answer_is_known():
    metric, energy = closed_forms.quadratic(0.5, 2.0, np.array([0.3, -0.2]))
    axis = np.linspace(-3, 3, 401)
    grid = jnp.asarray(np.stack(np.meshgrid(axis, axis, indexing="ij"), -1))
    values = np.asarray(metric(grid.reshape(-1, 2))).reshape(401, 401)
    a, b = np.array([1.2, 0.4]), np.array([-1.5, -1.0])
    length = plane.marched_length(axis, axis, values, a, b)
    assert length == pytest.approx(np.sqrt(energy(a, b)), rel=5e-4)
