"""The diagnosis of an inversion, on toys whose fault is known."""

import importlib
import json
import os
import re
from pathlib import Path

import jax
import numpy as np
import pytest
import tyro
from matplotlib.figure import Figure
from PIL import Image
from processes import run

from experiments.diagnose import __main__ as diagnose
from experiments.diagnose import evidence, figures, verdict
from experiments.running.errors import UsageError

MODULE = """
import jax
import jax.numpy as jnp
from jaxgan import networks


def drawn(number, *shape):
    return jax.random.normal(jax.random.fold_in(jax.random.key(7), number), shape)


def logits(params, latents, kink):
    first, second = jnp.split(kink(latents @ params["first"]), 2, 1)
    return first @ params["one"] + second @ params["other"] - 1.0


def make(logits=logits, **changed):
    \"\"\"One kind of images where z_0 > 0, the other where z_0 < 0.\"\"\"
    first = 0.5 * drawn(0, 3, 16)
    first = first.at[0].set(jnp.repeat(jnp.array([1.0, -1.0]), 8))
    params = {"first": first, "one": drawn(1, 8, 784), "other": drawn(2, 8, 784)}
    network = networks.FinishedNetwork(logits, 3, networks.SIGMOID, slope=0.0)
    return networks.FinishedGenerator(network, params | changed)


def collapsed():
    \"\"\"The mode of the other kind is lost: all its images are one.\"\"\"
    return make(other=jnp.zeros((8, 784)))


def normalised():
    def of_batch(params, latents, kink):
        found = logits(params, latents, kink)
        return found - found.mean(0, keepdims=True)

    return make(of_batch)


def flat():
    \"\"\"All pixels but three are black or white, with no slope.\"\"\"
    def steep(params, latents, kink):
        found = 1e4 * logits(params, latents, kink)
        return found.at[:, :3].multiply(1e-4)

    return make(steep)
"""
CODES = np.array(
    [[2, 0.5, -0.5], [1.5, -1, 0.3], [-2, 0.3, 0.4], [-1.5, -0.7, 0.2]], np.float32
)
"""Two codes of each kind of image."""


ADAM = {"steps": 200, "starts": 2}


@pytest.fixture(scope="module")
def toys(tmp_path_factory):
    """A folder with the module, on the path, and with images of its codes."""
    folder = tmp_path_factory.mktemp("toys")
    (folder / "toy_module.py").write_text(MODULE)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(folder))
        patch.setenv("PYTHONPATH", str(folder), prepend=os.pathsep)
        module = importlib.import_module("toy_module")
        pixels, steep = (
            np.asarray(make().generate(jax.numpy.asarray(CODES))).reshape(-1, 28, 28)
            for make in (module.make, module.flat)
        )
        arrays = {
            "reached": pixels,
            "steep": steep,
            "negative": 1 - pixels,
            "pale": 0.5 * pixels + 0.2,
            "origin": 0 * CODES,
        }
        for name, array in arrays.items():
            np.save(folder / f"{name}.npy", array)
        yield folder


@pytest.fixture(scope="module")
def diagnosed(toys):
    """Diagnose a toy in this process, without the figure; return the summary."""

    def run(name, targets="reached", **flags):
        config = diagnose.Config(
            generator=f"toy_module:{name}",
            targets=(toys / f"{targets}.npy",),
            own_images=4,
            out=toys / "run",
            overwrite=(toys / "run").exists(),
            **flags,
        )
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(figures, "draw", lambda *_: Figure())
            with jax.numpy_dtype_promotion("standard"):  # for optax's bias correction
                return diagnose.run(config)

    return run


@pytest.fixture(scope="module")
def run_of_two_gradients(toys):
    """The folder of a run of the command, as users run it."""
    out = toys / "two"
    flags = ["--generator", "toy_module:make", "--targets", toys / "reached.npy"]
    flags += ["--own-images", "4", "--steps", "2", "--starts", "1"]
    flags += ["--learning-rate", "0.05", "--seed", "3"]
    done = run("diagnose", out, *flags)
    assert done.returncode == 0, done.stderr
    # Four gray images could be the channels of one.
    assert done.stderr.startswith("notice: ") and done.stderr.count("\n") == 1
    return out, done.stdout


def test_two_gradients_are_the_fault_of_the_search(run_of_two_gradients):
    out, said = run_of_two_gradients
    summary = json.loads((out / "summary.json").read_text())
    assert summary["verdict"] == "search" and summary["part_of_search"] > 0.99
    assert summary["part_of_steps"] > 0.99
    assert summary["in_words"] in said and "Take more steps" in said
    assert (out / "diagnosis.txt").read_text() == summary["in_words"] + "\n"


def test_a_diagnosis_writes_what_it_measured(run_of_two_gradients, toys):
    out, _ = run_of_two_gradients
    summary = json.loads((out / "summary.json").read_text())
    with np.load(out / "results.npz") as arrays:
        results = dict(arrays)
    targets = np.load(toys / "reached.npy").reshape(4, -1)
    for search in ("judged", "thorough", "nearest"):
        made = in_numpy(results[f"{search}_latents"])
        errors = np.mean(np.square(made - targets), 1)
        np.testing.assert_allclose(results[f"{search}_errors"], errors, atol=1e-7)
    for name in ("judged", "thorough"):
        mean = results[f"{name}_errors"].mean()
        assert summary[f"mse_per_pixel_{name}"] == pytest.approx(mean)
    even = targets.var(1)
    assert (results["trivial"] <= even * 1.00001).all()
    with Image.open(out / "diagnosis.png") as image:
        assert np.asarray(image.convert("L")).std() > 5


def in_numpy(latents):
    """The images of latents by the toy's formula, pixels in [0, 1]."""
    params = importlib.import_module("toy_module").make().params
    first, one, other = (
        np.asarray(params[n], float) for n in ("first", "one", "other")
    )
    hidden = np.maximum(latents @ first, 0)
    logits = hidden[:, :8] @ one + hidden[:, 8:] @ other - 1
    return 1 / (1 + np.exp(-logits))


def test_nothing_is_at_fault_with_a_good_generator_and_a_good_search(diagnosed):
    summary = diagnosed("make", **ADAM)
    assert summary["verdict"] == "neither" and summary["bad_images"] == []
    assert summary["part_of_search"] is summary["part_of_generator"] is None
    assert summary["mse_per_pixel_judged"] < 1e-6
    assert summary["in_words"].startswith("Neither the search nor the generator")
    # The prior is a standard normal distribution in three dimensions.
    assert summary["norm_of_prior_p5"] == pytest.approx(0.593, abs=0.03)
    assert summary["norm_of_prior_p95"] == pytest.approx(2.795, abs=0.05)


def test_a_collapsed_mode_is_the_fault_of_the_generator(diagnosed):
    summary = diagnosed("collapsed", **ADAM)
    assert summary["verdict"] == "generator" and summary["part_of_generator"] > 0.9
    assert summary["bad_images"] == [2, 3]  # those of the mode that is lost
    assert summary["mse_per_pixel_own_thorough"] < 1e-6
    assert "2 of 4 images (from 0: 2, 3)" in summary["in_words"]


def test_batch_statistics_are_the_fault_of_the_record(diagnosed):
    summary = diagnosed("normalised", **ADAM)
    assert summary["verdict"] == "record" and len(summary["faults"]) == 1
    assert "statistics of the batch are left on" in summary["in_words"]


@pytest.mark.parametrize(
    ("targets", "words"),
    [("negative", "black and white exchanged"), ("pale", "about 0.50 p + 0.20")],
)
def test_targets_with_other_pixels_are_named(diagnosed, targets, words):
    summary = diagnosed("make", targets, **ADAM)
    assert summary["verdict"] == "generator" and len(summary["bad_images"]) == 4
    assert words in summary["in_words"]


def test_too_large_a_weight_of_the_prior_is_named(diagnosed):
    summary = diagnosed("make", prior_weight=1000.0, **ADAM)
    assert summary["verdict"] == "search" and summary["part_of_prior_weight"] > 0.99
    assert "without the weight κ = 1000" in summary["in_words"]
    assert summary["prior_weights"] == [0, 0.01, 0.1, 1, 10, 100, 1000]
    lengths = summary["norm_at_prior_weights"]
    assert lengths == sorted(lengths, reverse=True)


def test_a_flat_generator_is_named(diagnosed):
    summary = diagnosed("flat", "steep", **ADAM)
    assert summary["verdict"] == "search"
    assert summary["saturated_own_median"] > 0.95
    assert "saturated" in summary["in_words"]


def test_codes_of_your_own_are_judged(diagnosed, toys):
    summary = diagnosed("make", codes=toys / "origin.npy")
    assert summary["verdict"] == "search"
    errors = np.square(in_numpy(0 * CODES) - in_numpy(CODES))
    assert summary["mse_per_pixel_judged"] == pytest.approx(errors.mean(), rel=1e-4)
    assert summary["mse_per_pixel_own_judged"] is None
    assert "Your search (its codes in origin.npy) leaves" in summary["in_words"]


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (
            ["--codes", "reached.npy"],
            "expected codes of the shape (4, 3), found (",
        ),
        (["--codes", "nowhere.npy"], "--codes nowhere.npy: No such file"),
        (["--codes", "origin.npy", "--steps", "5"], "--codes and --steps exclude"),
        (["--learning-rate", "0"], "--learning-rate must be above 0, got 0.0"),
        (["--own-images", "0"], "--own-images must be at least 1, got 0"),
        (["--prior-weight", "-1"], "--prior-weight must be at least 0, got -1.0"),
    ],
)
def test_what_cannot_be_judged_is_refused_in_one_line(toys, monkeypatch, flags, words):
    monkeypatch.chdir(toys)
    own = ["--generator", "toy_module:make", "--targets", "reached.npy"]
    with pytest.raises(UsageError, match=re.escape(words)):
        diagnose.run(tyro.cli(diagnose.Config, args=[*own, *flags, "--out", "x"]))
    assert not Path("x").exists()


def evidence_of(judged, polished, same_weight, thorough, own=0.02):
    """Evidence with these errors, where trivial ones are 1."""
    count = len(judged)
    fields = dict.fromkeys(evidence.Evidence._fields, np.zeros(1))
    some = {
        "judged": evidence.Codes(np.zeros((count, 3)), judged),
        "polished": polished,
        "same_weight": same_weight,
        "thorough": evidence.Codes(np.zeros((count, 3)), thorough),
        "trivial": np.ones(count),
        "own": np.array([own / 2]),
        "own_trivial": np.array([0.5]),
    }
    return evidence.Evidence(**(fields | some))  # pyright: ignore


def parts_of(judged, polished, same_weight, thorough, own=0.02):
    errors = np.array([judged, polished, same_weight, thorough]).repeat(2)
    parts = verdict.decide(evidence_of(*errors.reshape(4, 2), own=own)).parts
    assert parts is not None
    return parts


def test_the_parts_of_an_error_add_up():
    parts = parts_of(1.0, 0.5, 0.3, 0.2)
    assert parts == pytest.approx((0.5, 0.2, 0.1, 0.02, 0.18))
    assert parts.search == pytest.approx(0.82)
    assert parts_of(1.0, 0.5, 0.5, 0.5, own=0.4).flat == pytest.approx(0.4)
    # A search that is worse than the one before it takes nothing away.
    assert parts_of(1.0, 3.0, 2.0, 0.2) == pytest.approx((0, 0, 0.8, 0.02, 0.18))


@pytest.mark.parametrize(("count", "fault"), [(10, "search"), (11, "neither")])
def test_a_tenth_of_the_images_makes_a_verdict(count, fault):
    none = np.zeros(count)
    found = evidence_of(np.eye(count)[0], none, none, none)
    decided = verdict.decide(found)
    assert decided.name == fault and decided.bad == (0,)


@pytest.mark.parametrize(
    ("judged", "least", "fault"),
    [
        (1.0, 0.15, "search"),
        (7.0, 2.0, "generator"),  # a better search gains, and mends nothing
        (0.25, 0.15, "generator"),  # it mends the image, and gains little
        (0.25, 0.1, "search"),
        (0.19, 0.0, "neither"),
        (1.0, 0.215, "search"),  # 0.02 is left on own images, too
        (1.0, 0.225, "generator"),
    ],
)
def test_the_search_is_at_fault_where_a_better_one_mends(judged, least, fault):
    before, after = np.full(3, judged), np.full(3, least)
    decided = verdict.decide(evidence_of(before, before, before, after))
    assert decided.name == fault
    assert decided.of_search == ((0, 1, 2) if fault == "search" else ())
