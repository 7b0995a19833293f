"""The program that the app exports, run as users do, finds the walk again."""

import re
from pathlib import Path

import numpy as np
import pytest
from module_of_a_user import MODULE
from processes import run_copy

pytest.importorskip("gradio", reason="the extra `app` is not installed")

from experiments.explore import exports, strokes, ways, workbench
from experiments.running.options import GeneratorOptions

ROOT = Path(__file__).parents[2]


@pytest.fixture
def bench(request, toy_model, tmp_path, monkeypatch):
    """What the app works with, with a model folder and with a module of the user's."""
    if request.param == "checkpoint":
        return workbench.prepare(str(toy_model), None)
    (tmp_path / "module_of_mine.py").write_text(MODULE)
    monkeypatch.syspath_prepend(tmp_path)
    return workbench.prepare("mnist-wgan-gp", "module_of_mine:make")


def drawn_digit():
    """A seven, as the sketchpad gives it."""
    layer = np.zeros((280, 280, 4), np.uint8)
    layer[60:80, 80:200, 3] = layer[80:220, 150:170, 3] = 255
    return strokes.from_drawing({"layers": [layer], "background": None})


def ends(bench, kind):
    if kind == "samples":
        codes = np.random.default_rng(3).normal(size=(2, bench.generator.latent_dim))
        return workbench.images_of(bench.generator, codes)
    chosen = bench.digits[[2, 7], ..., 0]
    return chosen if kind == "chosen" else np.stack([drawn_digit(), chosen[0]])


@pytest.mark.parametrize(
    ("bench", "kind"),
    [
        ("checkpoint", "chosen"),
        ("checkpoint", "samples"),
        ("generator", "drawn"),
        pytest.param("checkpoint", "drawn", marks=pytest.mark.slow),
        pytest.param("generator", "chosen", marks=pytest.mark.slow),
        pytest.param("generator", "samples", marks=pytest.mark.slow),
    ],
    indirect=["bench"],
)
def test_the_program_finds_the_same_rho(bench, kind, tmp_path, monkeypatch):
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))
    found = ways.walk(bench, bench.generator, ends(bench, kind))
    film, arrays, program = map(Path, exports.write(found, bench.options))
    assert {path.parent.parent for path in (film, arrays, program)} == {tmp_path}
    with np.load(arrays, allow_pickle=False) as saved:
        np.testing.assert_array_equal(saved["digits"], found.digits)
        np.testing.assert_array_equal(saved["codes"], found.codes)
        assert saved["paths"].shape == (3, 65, bench.generator.latent_dim)
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}:{ROOT}")
    done = run_copy(program)
    assert (done.returncode, done.stderr) == (0, "")
    (again, shown) = map(float, re.findall(r"\d+\.\d+", done.stdout))
    assert shown == pytest.approx(found.ways["least"].rho, abs=1e-6)
    assert again == pytest.approx(shown, rel=1e-5)


def test_a_name_with_quotes_stays_a_name():
    options = GeneratorOptions(checkpoint='it\'s "one"\n')
    text = exports.program(options)
    assert f"checkpoint={options.checkpoint!r}" in text
    compile(text, "walk.py", "exec")
