"""Commands with `--generator`: a function of the user's own, in a module of theirs."""

import json
import os
import re

import numpy as np
import pytest
from module_of_a_user import MODULE
from processes import SAMPLE, run, succeed

from experiments import evaluate
from experiments.invert import __main__ as invert
from experiments.recipes import __main__ as recipes
from experiments.recover import __main__ as recover
from experiments.running.errors import UsageError


@pytest.fixture
def own(tmp_path, monkeypatch):
    """The module, where a command finds it."""
    (tmp_path / "own_module.py").write_text(MODULE)
    paths = [str(tmp_path), *filter(None, [os.environ.get("PYTHONPATH")])]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(paths))
    return tmp_path


def test_an_own_generator_is_inverted(own):
    out = own / "run"
    flags = ["--generator", "own_module:make", "--images", "2", "--starts", "20"]
    succeed("invert", out, *SAMPLE, *flags)
    summary = json.loads((out / "summary.json").read_text())
    assert summary["checkpoint"] == "own_module:make"
    assert summary["num_images"] == 2 and summary["num_starts"] == 20
    shares = [summary[f"{name}_fraction"] for name in ("strict", "kink", "degenerate")]
    assert sum(shares) >= 0.95
    with np.load(out / "results.npz") as results:
        assert results["latents"].shape == (2, 20, 3)
        latents, losses = results["latents"], results["losses"]
        targets = results["targets"]
    # What was found, in NumPy: the sigmoid's own pixels are in [0, 1].
    errors = [in_numpy(own, latents[n]) - targets[n].reshape(1, -1) for n in range(2)]
    np.testing.assert_allclose(losses, np.mean(np.square(errors), 2), rtol=1e-5)


def in_numpy(folder, latents):
    names = {}
    exec(
        compile((folder / "own_module.py").read_text(), "own_module.py", "exec"), names
    )
    params = {
        name: np.asarray(leaf, np.float64)
        for name, leaf in names["make"]().params.items()
    }
    hidden = np.maximum(latents @ params["first"] + params["bias"], 0)
    logits = np.maximum(hidden @ params["second"] + 0.1, 0) @ params["last"]
    return 1 / (1 + np.exp(-logits))


@pytest.mark.parametrize(
    ("experiment", "flags", "words"),
    [
        ("invert", ["own_module:not_a_generator"], "FinishedGenerator, got int"),
        ("invert", ["own_module:normalised"], "statistics of the batch are left on"),
        (
            "invert",
            ["own_module:make", "--checkpoint", "mnist-gan"],
            "--generator and --checkpoint exclude each other",
        ),
        ("invert", ["own_module"], "--generator must be MODULE:FUNCTION"),
        (
            "invert",
            ["own_module:smooth", "--corner-width", "0.5"],
            "--corner-width: the generator is smooth: it has no corners to round",
        ),
    ],
)
def test_what_cannot_be_used_is_refused_in_one_line(own, experiment, flags, words):
    out = own / "run"
    data = () if experiment == "recover" else SAMPLE
    done = run(experiment, out, *data, "--generator", *flags)
    assert done.returncode == 2, done.stderr
    assert done.stderr.startswith("error: ") and done.stderr.count("\n") == 1
    assert words in done.stderr
    assert not out.exists()


@pytest.mark.parametrize(
    ("experiment", "name", "words"),
    [
        (invert, "nowhere:make", "No module named 'nowhere'"),
        (invert, "own_module:nothing", "has no attribute 'nothing'"),
        (evaluate, "own_module:broken", "RuntimeError: no weights here"),
        (evaluate, "own_module:small", "expected images of the shape (28, 28, 1)"),
        (invert, "own_module:without_kinks", "does not declare its kinks"),
        (recipes, "own_module:without_kinks", "does not declare its kinks"),
        (recover, "own_module:linear", "neither tanh nor a sigmoid"),
    ],
)
def test_what_cannot_be_used_is_known_before_the_folder_is_made(
    own, monkeypatch, experiment, name, words
):
    monkeypatch.syspath_prepend(own)
    config = experiment.Config(generator=name, out=own / "run")
    with pytest.raises(UsageError, match=re.escape(words)) as raised:
        experiment.run(config)
    assert "\n" not in str(raised.value) and not (own / "run").exists()
