"""What the app shows is what the library computes; bad input is one sentence."""

import re
import socket

import jax
import numpy as np
import pytest
from PIL import Image

pytest.importorskip("gradio", reason="the extra `app` is not installed")

from experiments.explore import (
    codes,
    plane,
    rate,
    rate_plane,
    samples,
    strokes,
    views,
    workbench,
)
from experiments.explore.__main__ import Config, run
from experiments.running.errors import UsageError
from jaxgan import data, minima


@pytest.fixture(scope="module")
def bench(toy_model):
    return workbench.prepare(str(toy_model), None)


def drawing(ink):
    """A value of the sketchpad with this ink."""
    layer = np.zeros((*ink.shape, 4), np.uint8)
    layer[..., 3] = ink
    return {"layers": [layer], "background": None, "composite": layer}


def test_there_are_three_digits_of_each_class(bench):
    assert np.bincount(bench.labels).tolist() == [3] * 10
    assert bench.plane is bench.generator  # it has two dimensions


def test_a_drawn_digit_is_as_those_of_mnist():
    """A test digit that is enlarged, and moved aside, comes back."""
    for digit in data.load("sample", "test").images[::97, ..., 0]:
        ink = np.zeros((280, 280), np.uint8)
        ink[5:201, 80:276] = digit.repeat(7, 0).repeat(7, 1)
        found = strokes.from_drawing(drawing(ink))
        assert found.shape == (28, 28) and found.max() == 255
        rows, columns = np.nonzero(found > 12)
        assert max(np.ptp(rows), np.ptp(columns)) + 1 in (19, 20, 21)
        mass = found / found.sum()
        centre = [float((mass.sum(1 - n) * np.arange(28)).sum()) for n in (0, 1)]
        assert np.abs(np.array(centre) - 13.5).max() <= 0.51
        assert np.abs(found.astype(float) - digit).mean() < 40


def test_a_picture_is_read_whatever_its_paper_is(tmp_path):
    digit = data.load("sample", "test").images[3, ..., 0]
    for name, pixels in (("white", digit), ("black", 255 - digit)):
        large = Image.fromarray(pixels).resize((84, 84))
        large.convert("RGB").save(tmp_path / f"{name}.png")
    white, black = (
        strokes.from_file(tmp_path / f"{n}.png") for n in ("white", "black")
    )
    assert np.abs(white.astype(int) - black).max() <= 3
    Image.fromarray(digit).save(tmp_path / "exact.png")
    np.testing.assert_array_equal(strokes.from_file(tmp_path / "exact.png"), digit)


def bad(tmp_path, kind):
    path = tmp_path / f"{kind}.png"
    if kind == "text":
        path.write_text("not a picture")
    elif kind == "photo":
        Image.new("RGB", (4000, 3000)).save(path)
    elif kind == "blank":
        Image.new("L", (50, 50), 200).save(path)
    return path


@pytest.mark.parametrize(
    ("kind", "sentence"),
    [
        ("text", "text.png cannot be read as a picture."),
        ("photo", "photo.png has 12 megapixels, and at most 4 are read: .*"),
        ("blank", "blank.png is of one colour: there is no digit in it."),
        ("missing", "missing.png cannot be read as a picture."),
    ],
)
def test_a_bad_picture_is_one_sentence(tmp_path, kind, sentence):
    with pytest.raises(ValueError, match=f"^{sentence}$"):
        strokes.from_file(bad(tmp_path, kind))


@pytest.mark.parametrize("pad", [None, {}, drawing(np.zeros((280, 280), np.uint8))])
def test_a_blank_drawing_is_one_sentence(pad):
    with pytest.raises(ValueError, match="^Nothing is drawn yet: draw a digit first.$"):
        strokes.from_drawing(pad)


def test_the_minima_are_those_of_the_library_step_by_step(bench):
    with jax.numpy_dtype_promotion("standard"):  # for optax's Adam
        steps = list(codes.find(bench, bench.digits[4, ..., 0]))
    assert [step.settled for step in steps] == [0, 4, 8, 12, 16]
    last = steps[-1]
    target = workbench.to_units(bench.digits[4, ..., 0][None])
    again = minima.settle_many(
        bench.generator,
        np.stack([one.latent for one in last.minima]),
        target,
        np.zeros(len(last.minima), int),
        prior_weight=workbench.PRIOR_WEIGHT,
    )
    ends = np.concatenate([one.starts for one in last.minima])
    assert len(set(ends)) + last.unproved == codes.STARTS
    for number, one in enumerate(last.minima):
        np.testing.assert_allclose(again.latents[number], one.latent, atol=1e-8)
        assert again.errors[number] == pytest.approx(one.error)
        image = workbench.images_of(bench.generator, one.latent[None])[0]
        np.testing.assert_array_equal(last.images[number], image)
    assert last.adam is not None and last.adam[1] > 0.9 * last.error


def test_a_slider_moves_the_image_as_its_singular_value_says(bench):
    code = np.array([0.4, -0.3], np.float32)
    at = samples.around(bench, code)
    np.testing.assert_array_equal(samples.moved(at, (0.0, 0.0)), code)
    np.testing.assert_allclose(
        samples.moved(at, (0.5, 0.0)), code + 0.5 * at.directions[0], rtol=1e-6
    )
    text = samples.as_text(samples.moved(at, (0.25, 1.0)))
    read = np.array([float(n) for n in text[1:-1].split(",")], np.float32)
    np.testing.assert_array_equal(read, samples.moved(at, (0.25, 1.0)))
    assert samples.chosen(64) == [0, 1, 2, 3, 62, 63]
    assert samples.chosen(5) == [0, 1, 2, 3, 4] and samples.chosen(2) == [0, 1]


def test_the_sheet_has_each_digit_at_its_code(bench):
    sheet = plane.sheet(bench)
    for column, row in ((14, 14), (28 * 20 - 14, 14), (14 + 28 * 3, 14 + 28 * 7)):
        code = plane.code_at(column, row)
        image = workbench.images_of(bench.plane, code[None])[0]
        cut = sheet[row - 14 : row + 14, column - 14 : column + 14]
        assert np.abs(cut.astype(int) - image).max() <= 1
    assert plane.code_at(14, 14).tolist() == [-3.0, 3.0]


def test_the_table_and_the_figure_of_rates_are_found():
    every = rate.points()
    betas = sorted({point.beta for point in every})
    assert {point.kind for point in every} == {"gaussian", "echo"}
    assert len(every) == 2 * len(betas) and 1.0 in betas
    of_gaussian = [point for point in every if point.kind == "gaussian"]
    assert np.all(np.diff([point.rate for point in of_gaussian]) < 0)
    rebuilt = rate.reconstructions(len(betas))
    assert {len(strips) for strips in rebuilt.of_kind.values()} == {len(betas)}
    for strips in rebuilt.of_kind.values():
        errors = [
            np.abs(strip.astype(int) - rebuilt.images).mean()
            for strip in (strips[0], strips[-1])
        ]
        assert 0 < errors[0] < errors[1]  # the larger β is, the less is kept


def test_the_plane_of_rates_shows_every_model_by_itself():
    every = rate.points()
    betas = sorted({point.beta for point in every})
    rebuilt = rate.reconstructions(len(betas))
    choices = rate.choices(every, rebuilt)
    assert [choice.name for choice in choices] == [f"β = {beta:g}" for beta in betas]
    choices[0] = choices[0]._replace(name='"><script>')
    page = rate_plane.html(choices, rebuilt.images, 2)
    for point in every:
        assert f"<td>{point.rate:.2f}</td><td>{point.distortion:.2f}</td>" in page
    for strips in rebuilt.of_kind.values():
        assert all(page.count(views.uri(strip)) == 1 for strip in strips)
    assert "<script" not in page and page.count("&quot;&gt;&lt;script&gt;") == 2
    sources = re.findall(r'(?:src|href)="([^"]*)"|url\(([^)]*)\)', page)
    assert sources and all(source.startswith("data:") for source, _ in sources)


def test_a_point_of_the_plane_is_where_its_axes_say():
    axes = rate_plane.Axes(np.array([0.0, 30.0, 60.0]), np.array([40.0, 100.0, 160.0]))
    right = rate_plane.WIDTH - rate_plane.RIGHT
    bottom = rate_plane.HEIGHT - rate_plane.BOTTOM
    assert axes.place(0.0, 40.0) == (rate_plane.LEFT, bottom)
    assert axes.place(60.0, 160.0) == (right, rate_plane.TOP)
    middle = (rate_plane.LEFT + right) / 2, (rate_plane.TOP + bottom) / 2
    assert axes.place(30.0, 100.0) == pytest.approx(middle)


def test_every_panel_has_a_section_in_the_guide():
    text = views.GUIDE.read_text(encoding="utf-8")
    for panel in ("Samples", "Invert", "Walk", "Plane", "Rate"):
        section = views.section(text, panel)
        assert len(section) > 100 and "](" not in section
    with pytest.raises(ValueError, match="no section Else"):
        views.section(text, "Else")


def test_names_on_the_page_are_text():
    box = views.card([("<b>", np.zeros((28, 28), np.uint8))], ["<script>"])
    assert (
        "&lt;script&gt;" in box and "<script>" not in box and 'alt="&lt;b&gt;"' in box
    )
    assert re.search(r"<td>&lt;i&gt;</td>", views.table(["x"], [["<i>"]]))


def test_a_port_that_cannot_be_is_refused():
    with pytest.raises(UsageError, match="--port must be in 1…65535, got 0"):
        Config(port=0)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(UsageError, match=f"^--port {port} is in use$"):
            run(Config(port=port))
