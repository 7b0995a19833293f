"""Commands on images of one's own, and what they say of their models' data."""

import json
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from PIL import Image
from processes import SAMPLE, fail, run

from experiments import classifier, evaluate, wgan
from experiments.invert import __main__ as invert
from experiments.running import datasets, generators, targets
from experiments.running.errors import UsageError
from jaxgan import data, storage

TOY: dict[str, Any] = {"epochs": 1, "batch_size": 10, "latent_dim": 2, "widths": (8,)}


@pytest.fixture(autouse=True)
def optax_may_promote():
    with jax.numpy_dtype_promotion("standard"):
        yield


@pytest.fixture(scope="module")
def colours(tmp_path_factory):
    """A folder of small pictures in colour."""
    folder = tmp_path_factory.mktemp("colours")
    pixels = np.random.default_rng(0).integers(0, 128, (40, 10, 8, 3)).astype(np.uint8)
    for number, image in enumerate(pixels):
        Image.fromarray(image).save(folder / f"{number:02}.png")
    return folder


@pytest.fixture(scope="module")
def digits(tmp_path_factory):
    """Digits under the names that Keras uses, in eleven classes."""
    path = tmp_path_factory.mktemp("digits") / "digits.npz"
    train, test = data.load("sample", "train"), data.load("sample", "test")
    np.savez(
        path,
        x_train=train.images[::80, ..., 0],
        y_train=np.arange(50) % 11,
        x_test=test.images[::40, ..., 0],
        y_test=np.arange(25) % 11,
    )
    return path


def summary(out):
    return json.loads((out / "summary.json").read_text())


@pytest.fixture(scope="module")
def trained(colours, tmp_path_factory):
    """A generator of the pictures in colour."""
    run = tmp_path_factory.mktemp("trained") / "run"
    with jax.numpy_dtype_promotion("standard"):
        wgan.run(wgan.Config(dataset="own", data_dir=colours, **TOY, out=run))
    return run


def test_any_size_is_trained_on(trained, colours, capsys):
    assert summary(trained)["n_train"] == 36
    model = storage.load_generator(trained)
    assert model.generate(jnp.zeros((1, 2))).shape == (1, 10, 8, 3)
    with Image.open(trained / "samples.png") as image:
        assert image.mode == "RGB"

    config = invert.Config(dataset="own", data_dir=colours, checkpoint=str(trained))
    generator = generators.load(config, with_kinks=True, any_size=True)
    shape = generator.image_shape
    first = targets.first_images(config, 2, shape)
    train, test, _, _ = data.load_own(colours)
    np.testing.assert_allclose(first.images, test.images[:2] / 127.5 - 1, atol=1e-6)
    assert "one of 10 is held out, 4 of 40" in capsys.readouterr().err
    shown = targets.from_files([colours / "00.png"], resize=False, shape=shape)
    np.testing.assert_allclose(shown.images, train.images[:1] / 127.5 - 1, atol=1e-6)
    with pytest.raises(UsageError, match="expected images of 10 × 8 × 3 here, found"):
        targets.first_images(invert.Config(dataset="sample"), 2, shape)


@pytest.mark.slow
def test_any_size_is_inverted(trained, colours, tmp_path):
    options: dict[str, Any] = {"checkpoint": str(trained), "images": 2, "starts": 2}
    config = invert.Config(
        dataset="own", data_dir=colours, **options, out=tmp_path / "o"
    )
    invert.run(config)
    with np.load(tmp_path / "o" / "results.npz") as results:
        _, test, _, _ = data.load_own(colours)
        np.testing.assert_allclose(results["targets"], test.images[:2] / 255, atol=1e-6)


def test_digits_of_ones_own_are_loaded(digits):
    train, test = datasets.load(
        classifier.Config(dataset="own", data_dir=digits), with_labels=True
    )
    assert train.labels.max() == 10 and test.images.shape == (25, 28, 28, 1)


@pytest.mark.slow
def test_digits_of_ones_own_make_a_judge_and_are_judged(digits, toy_model, tmp_path):
    own: dict[str, Any] = {"dataset": "own", "data_dir": digits}
    judge = tmp_path / "judge"
    classifier.run(classifier.Config(**own, epochs=1, batch_size=25, out=judge))
    options: dict[str, Any] = {"checkpoint": str(toy_model), "samples": 20}
    judged = evaluate.run(
        evaluate.Config(**own, **options, judge=str(judge), out=tmp_path / "judged")
    )
    assert judged["dataset"] == judged["judge_trained_on"] == "own"
    assert len(judged["class_shares"]) == 11


@pytest.mark.parametrize(
    ("run", "message"),
    [
        (lambda own: evaluate.run(evaluate.Config(**own)), "28 × 28 here, found 10"),
        (lambda own: invert.run(invert.Config(**own)), "28 × 28 here, found 10 × 8"),
        (
            lambda own: wgan.run(wgan.Config(**own, architecture="conv")),
            "28 × 28 here, found 10 × 8 × 3",
        ),
    ],
)
def test_commands_for_digits_say_so(run, message, colours, tmp_path):
    with pytest.raises(UsageError, match=message):
        run({"dataset": "own", "data_dir": colours, "out": tmp_path / "out"})
    assert not (tmp_path / "out").exists()


def test_labels_are_asked_for_only_where_they_are_needed(tmp_path):
    np.save(tmp_path / "plain.npy", np.zeros((20, 28, 28), np.uint8))
    config = classifier.Config(dataset="own", data_dir=tmp_path / "plain.npy")
    with pytest.raises(UsageError, match="expected images with labels, found none"):
        classifier.run(config)


def test_flags_that_do_not_go_together_are_refused(tmp_path):
    wrong: list[dict[str, Any]] = [{"dataset": "own"}]
    wrong += [{"dataset": "sample", "data_dir": tmp_path}]
    for flags in wrong:
        with pytest.raises(UsageError, match="--data-dir"):
            wgan.Config(**flags)
    fail(2, "--data-dir", "wgan", tmp_path / "out", *SAMPLE, "--data-dir", tmp_path)


def test_a_tilde_is_the_home_folder(tmp_path, monkeypatch):
    from pathlib import Path

    monkeypatch.setenv("HOME", str(tmp_path))
    read = invert.Config(out=Path("~/out"), data_dir=Path("~/mnist"))
    assert read.out == tmp_path / "out" and read.data_dir == tmp_path / "mnist"
    config = invert.Config(targets=(Path("~/a.png"),), checkpoint="~/run")
    assert config.targets == (tmp_path / "a.png",)
    assert config.checkpoint == str(tmp_path / "run")


def test_own_pictures_are_inverted_by_the_command(toy_model, tmp_path):
    pixels = data.load("sample", "test").images[150, ..., 0]
    Image.fromarray(pixels).save(tmp_path / "plain.png")
    Image.fromarray(255 - pixels).save(tmp_path / "ink.png")
    out = tmp_path / "out"
    given = [tmp_path / "plain.png", tmp_path / "ink.png"]
    flags = ["--checkpoint", toy_model, "--starts", "2", "--targets", *given]
    done = run("invert", out, *flags)
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("\n") == 1 and "bright border" in done.stderr
    config = json.loads((out / "config.json").read_text())
    assert config["targets"] == [str(path) for path in given]
    with np.load(out / "results.npz") as results:
        expected = np.stack([pixels, 255 - pixels]) / 255
        np.testing.assert_allclose(results["targets"], expected, atol=1e-6)


def test_what_a_model_was_trained_on_is_said_where_it_matters(capsys):
    models = {"checkpoint": "mnist-wgan-gp", "judge": None}
    trained = datasets.about_models(models, "mnist")
    assert trained == {"checkpoint_trained_on": "mnist"}
    assert capsys.readouterr().out == ""
    datasets.about_models(models, "sample")
    said = "mnist-wgan-gp was trained on mnist, of whose training images sample is a"
    assert said in capsys.readouterr().out
    datasets.about_models(models, "kmnist")
    expected = "mnist-wgan-gp was trained on mnist, and is used on kmnist\n"
    assert capsys.readouterr().out == expected
