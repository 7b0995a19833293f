"""The app and the reports in a real browser: Chromium, without a window.

One server, with a toy model, serves all tests of the app. The last test ends it.
"""

import base64
import io
import json
import re
import signal
import socket
import subprocess
import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from PIL import Image
from processes import environment, finish

pytest.importorskip("gradio", reason="the extra `app` is not installed")
pytest.importorskip("playwright", reason="the extra `browser` is not installed")


from experiments import report
from experiments.explore import codes, rate, ways, workbench
from experiments.reporting import page as reports
from experiments.reporting import pictures
from experiments.running import generators
from jaxgan import paths

WAIT = 60_000
"""Milliseconds: a machine may be busy."""
PANELS = ("Samples", "Invert", "Walk", "Plane", "Rate")


def free_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


@pytest.fixture(scope="module")
def server(chromium, toy_model, tmp_path_factory):
    """The process of the app, its address, and its folder for temporary files."""
    folder = tmp_path_factory.mktemp("temporary")
    port = free_port()
    words = [sys.executable, "-m", "experiments.explore", "--checkpoint", toy_model]
    process = subprocess.Popen(
        [*map(str, words), "--port", str(port)],
        # Gradio's own imports warn.
        env=environment(PYTHONWARNINGS="default", TMPDIR=str(folder)),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert f"open http://127.0.0.1:{port}/" in line, line
        yield process, f"http://127.0.0.1:{port}/", folder
    finally:
        process.kill()
        process.communicate()


@pytest.fixture
def visit(chromium, server):
    """Return a function that opens the app; errors and requests elsewhere fail."""
    wrong, contexts = [], []

    def opened(width=1000, **options):
        size = {"width": width, "height": 900}
        context = chromium.new_context(viewport=size, **options)
        contexts.append(context)
        context.set_default_timeout(WAIT)
        tab = context.new_page()
        tab.on("console", lambda m: wrong.append(m.text) if m.type == "error" else None)
        tab.on("pageerror", lambda error: wrong.append(str(error)))
        here = ("http://127.0.0.1", "data:", "blob:")
        tab.on("request", lambda r: r.url.startswith(here) or wrong.append(r.url))
        tab.goto(server[1])
        tab.wait_for_selector("#samples img")
        return tab

    yield opened
    for context in contexts:
        context.close()
    assert wrong == []


@pytest.fixture(scope="module")
def bench(toy_model):
    return workbench.prepare(str(toy_model), None)


def decoded(uri):
    with Image.open(io.BytesIO(base64.b64decode(uri.partition(",")[2]))) as image:
        return np.asarray(image)


def shown(tab, selector):
    """The picture that an image component shows."""
    source = tab.locator(f"{selector} img").first.get_attribute("src")
    with Image.open(io.BytesIO(tab.request.get(source).body())) as image:
        return np.asarray(image.convert("L"))


def panel(tab, name):
    found = tab.get_by_role("tab", name=name, exact=True)
    if not found.count():  # There is no room for all of them on a narrow screen.
        tab.get_by_label("More tabs").click()
        found = tab.locator(".overflow-dropdown").get_by_role("button", name=name)
    found.click()


def until(tab, condition):
    """Wait until a condition of the page holds."""
    for _ in range(WAIT // 100):
        if condition():
            return
        tab.wait_for_timeout(100)
    raise AssertionError("it never came")


def code_of(tab):
    return json.loads(tab.locator("#code textarea").input_value())


def brightness(colour):
    """The mean of red, green and blue of a colour as browsers write it."""
    return np.mean([int(part) for part in re.findall(r"\d+", colour)[:3]])


def rates(tab):
    """The name and the first rate of the table that is shown."""
    (table,) = [t for t in tab.locator("#rate-plane table").all() if t.is_visible()]
    header, row = table.inner_text().splitlines()[:2]
    return header.split("\t")[0], row.split("\t")[1]


def rebuilt(tab):
    """The sources of the reconstructions that are shown."""
    pictures = tab.locator("#rate-plane .at img").all()
    return [p.get_attribute("src") for p in pictures if p.is_visible()]


def middle(tab, number):
    """Where the first point of a β is on the screen, below the fold or not."""
    point = tab.locator(f"#rate-plane .beta-{number} circle").first
    point.scroll_into_view_if_needed()
    box = point.bounding_box()
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def point_at(tab, number):
    tab.mouse.move(*middle(tab, number))


def test_every_panel_shows_a_result_on_a_narrow_screen(visit):
    tab = visit(width=400)
    for name in PANELS:
        panel(tab, name)
        tab.wait_for_timeout(300)
        width = tab.evaluate("document.documentElement.scrollWidth")
        assert width <= 400, name
        images = tab.locator("div[role=tabpanel] img:visible")
        assert images.count() > 0, name


def test_a_slider_moves_the_picture_to_the_image_of_the_shown_code(visit, bench):
    tab = visit()
    before = code_of(tab)
    tab.locator("#slider-0 input[type=range]").fill("1.5")
    until(tab, lambda: code_of(tab) != before)
    tab.wait_for_timeout(500)
    code = np.array(code_of(tab), np.float32)
    (image,) = workbench.images_of(bench.generator, code[None])
    small = shown(tab, "#moved")[::10, ::10]
    assert np.abs(small.astype(int) - image).max() <= 1


@pytest.mark.slow
def test_a_drawn_stroke_gets_the_minima_that_the_library_finds(visit, bench):
    tab = visit()
    panel(tab, "Invert")
    until(tab, lambda: tab.locator('#pad button[aria-label="Color"]').count())
    box = tab.locator("#pad canvas").first.bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    tab.mouse.move(x - 30, y - 80)
    tab.mouse.down()
    tab.mouse.move(x + 20, y + 80, steps=20)
    tab.mouse.up()
    tab.wait_for_timeout(500)
    tab.get_by_role("button", name="Find the codes").click()
    status = tab.locator("#invert-status")
    until(tab, lambda: re.search(r"starts end in .* s\)", status.inner_text()))
    sources = tab.locator("#minima .card").evaluate_all(
        "cards => cards.map(c => [...c.querySelectorAll('img')].map(i => i.src))"
    )
    digit = decoded(sources[0][0])
    assert digit.max() == 255 and 20 < (digit > 127).sum() < 150
    with jax.numpy_dtype_promotion("standard"):  # for optax's Adam
        *_, last = codes.find(bench, digit)
    assert len(sources) == len(last.minima) + 1  # and one of Adam
    for (_, image, _), expected in zip(sources, last.images, strict=False):
        assert np.abs(decoded(image).astype(int) - expected).max() <= 1
    text = tab.locator("#minima").inner_text()
    assert text.count("proved: ") == len(last.minima)


@pytest.mark.slow
def test_a_walk_has_the_energy_that_the_library_and_its_program_find(
    visit, bench, tmp_path
):
    tab = visit()
    panel(tab, "Walk")
    tab.locator("#end-digits button").nth(4).click()
    until(tab, lambda: tab.locator("#end-shown img").count())
    tab.wait_for_timeout(500)
    table = tab.locator("#strips table")
    before = table.inner_text()
    tab.get_by_role("button", name="Walk", exact=True).click()
    until(tab, lambda: table.inner_text() != before)
    rows = [row.split("\t") for row in table.inner_text().splitlines()]
    rho = {row[0]: float(row[1]) for row in rows[1:]}
    found = ways.walk(bench, bench.generator, bench.digits[[2, 4], ..., 0])
    a, b = jnp.asarray(found.codes)
    ends = tuple(jnp.asarray(found.digits[..., None], jnp.float32) / 255)
    metrics = paths.between_images(generators.in_pixels(bench.generator))
    least = jax.jit(
        lambda a, b: paths.minimise(metrics, a, b, ends, levels=ways.LEVELS).energy
    )(a, b)
    floor = paths.least_value(*ends) * jnp.sum((b - a) ** 2)
    assert rho["least energy"] == pytest.approx(float(least / floor), rel=1e-3)
    assert rho["least energy"] <= rho["straight line"]
    for name, file in (
        ("film", "walk.gif"),
        ("arrays", "walk.npz"),
        ("program", "walk.py"),
    ):
        with tab.expect_download() as download:
            tab.locator(f"#{name}").click()
        assert download.value.suggested_filename == file
        download.value.save_as(tmp_path / file)
    with np.load(tmp_path / "walk.npz", allow_pickle=False) as saved:
        np.testing.assert_array_equal(saved["digits"], found.digits)
    done = finish([sys.executable, tmp_path / "walk.py"])
    assert (done.returncode, done.stderr) == (0, "")
    again = float(done.stdout.removeprefix("ρ = ").partition(",")[0])
    assert again == pytest.approx(rho["least energy"], rel=1e-3)
    with Image.open(tmp_path / "walk.gif") as film:
        assert film.size == (3 * 28 * 4, 28 * 4)
        film.seek(2 * ways.STOPS - 1)  # the last one: to the end, and back


def test_the_keyboard_is_enough(visit):
    tab = visit()
    before = code_of(tab)
    tab.locator("#slider-1 input[type=range]").focus()
    for _ in range(3):
        tab.keyboard.press("ArrowRight")
    until(tab, lambda: code_of(tab) != before)
    tab.get_by_role("tab", name="Rate").focus()
    tab.keyboard.press("Enter")
    tab.locator("#rate-plane .beta").first.focus()
    for point in rate.points()[:3]:
        name, row = rates(tab)
        assert (name, row) == (f"β = {point.beta:g}", f"{point.rate:.2f}")
        tab.keyboard.press("Tab")


def test_the_rates_under_the_pointer_are_shown(visit):
    tab = visit()
    panel(tab, "Rate")
    tab.wait_for_selector("#rate-plane svg")
    every = {f"β = {p.beta:g}": p for p in rate.points() if p.kind == "gaussian"}
    betas, first = list(every), rebuilt(tab)
    assert rates(tab) == ("β = 1", f"{every['β = 1'].rate:.2f}")
    seen = []
    for number, beta in enumerate(betas):
        point_at(tab, number)
        assert rates(tab) == (beta, f"{every[beta].rate:.2f}")
        seen.append(rebuilt(tab))
        assert len(seen[-1]) == 2  # of both kinds of code
    assert len({*map(tuple, seen)}) == len(betas)
    expected = rate.reconstructions(len(betas)).of_kind["echo"][-1]
    np.testing.assert_array_equal(decoded(seen[-1][1]), expected)
    tab.mouse.move(5, 5)
    assert rebuilt(tab) == first
    point_at(tab, 6)
    tab.mouse.down()
    tab.mouse.up()
    tab.mouse.move(5, 5)
    assert rebuilt(tab) == seen[6]  # it stays after a click
    point_at(tab, 0)
    assert rebuilt(tab) == seen[0]


def test_a_tap_on_a_narrow_dark_screen_shows_the_rates_of_a_point(visit):
    tab = visit(width=400, has_touch=True, is_mobile=True, color_scheme="dark")
    panel(tab, "Rate")
    tab.wait_for_selector("#rate-plane svg")
    first = rebuilt(tab)
    tab.touchscreen.tap(*middle(tab, 7))
    until(tab, lambda: rates(tab)[0] == "β = 10")
    assert rebuilt(tab) != first
    assert tab.evaluate("document.documentElement.scrollWidth") <= 400
    text, paper = tab.evaluate(
        """[getComputedStyle(document.querySelector("#rate-plane text")).fill,
        getComputedStyle(document.body).backgroundColor]"""
    )
    assert brightness(text) > 150 > 50 > brightness(paper)


def test_two_people_have_their_own_codes(visit):
    one, other = visit(), visit()
    first = code_of(one)
    other.locator("#samples button").nth(3).click()
    until(other, lambda: code_of(other) != first)
    one.locator("#slider-0 input[type=range]").fill("0.5")
    until(one, lambda: code_of(one) != first)
    mine = np.array(code_of(one))
    assert np.linalg.norm(mine - first) == pytest.approx(0.5, rel=1e-4)
    assert np.linalg.norm(np.array(code_of(other)) - first) > 1e-3


def test_bad_input_is_one_sentence_and_nothing_breaks(visit, tmp_path):
    tab = visit()
    panel(tab, "Invert")
    tab.get_by_role("button", name="Find the codes").click()
    tab.get_by_text("Nothing is drawn yet: draw a digit first.").wait_for()
    (tmp_path / "text.png").write_text("not a picture")
    tab.locator("#file input[type=file]").set_input_files(tmp_path / "text.png")
    tab.get_by_text("text.png cannot be read as a picture.").wait_for()
    tab.locator("#digits button").nth(7).click()
    status = tab.locator("#invert-status")
    until(
        tab,
        lambda: re.search(r"First answer|starts end in .* s\)", status.inner_text()),
    )
    tab.locator("#stop").click()
    until(tab, lambda: re.search(r"Stopped|starts end in .* s\)", status.inner_text()))


def test_a_report_shows_all_its_pictures_and_hostile_names_as_text(chromium, tmp_path):
    name = '"><img src=x onerror=alert(1)>'
    runs = [tmp_path / name, tmp_path / "other"]
    for run in runs:
        run.mkdir()
        config = {"experiment": "wgan", "command": name, "seed": 0, "versions": {}}
        config |= {"data_sha256": "0", "dataset": name, "device": "cpu"}
        (run / "config.json").write_text(json.dumps(config))
        (run / "summary.json").write_text(json.dumps({"in_words": name, "steps": 1}))
        pictures.save_image(run / "samples.png", np.full((9, 9), 90, np.uint8))
        reports.write(run)
    report.run(report.Config(tuple(runs)))
    said = []
    for scheme in ("light", "dark"):
        context = chromium.new_context(
            viewport={"width": 400, "height": 800}, color_scheme=scheme
        )
        tab = context.new_page()
        tab.on("console", lambda m: said.append(m.text))
        tab.on("dialog", lambda dialog: (said.append("a dialog"), dialog.dismiss()))
        tab.on(
            "request", lambda r: r.url.startswith(("file:", "data:")) or said.append(r)
        )
        for path in (runs[0] / "report.html", tmp_path / "report.html"):
            tab.goto(path.as_uri())
            loaded = tab.evaluate("[...document.images].map(i => i.naturalWidth)")
            assert loaded and min(loaded) > 0
            assert tab.evaluate("document.documentElement.scrollWidth") <= 400
            assert name in tab.inner_text("body")
        colour = tab.evaluate("getComputedStyle(document.body).backgroundColor")
        assert (colour == "rgb(255, 255, 255)") == (scheme == "light")
        context.close()
    assert said == []


def test_ctrl_c_ends_the_server_and_its_files(server):
    process, _, folder = server
    assert list(folder.iterdir())
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=30)
    assert process.returncode == 0
    assert not list(folder.iterdir())
