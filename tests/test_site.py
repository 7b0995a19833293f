"""The site: it builds without a warning, and its pages need nothing from elsewhere."""

import importlib
import re
import subprocess
import sys
import types
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from test_readme import COMMANDS

import jaxgan

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parent.parent
LOADS = {
    **dict.fromkeys(["img", "script", "iframe", "source", "audio", "video"], "src"),
    "link": "href",
}
"""Elements that a browser loads by itself, and the attribute that says from where."""


class Page(HTMLParser):
    """What a page loads, where it leads, and the places in it that one can lead to."""

    def __init__(self, path):
        super().__init__()
        self.loads, self.leads, self.ids, self.words = [], [], {""}, ""
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        self.ids.add(given.get("id") or "")
        if tag in LOADS and given.get(LOADS[tag]):
            self.loads.append(given[LOADS[tag]])
        if tag == "a" and given.get("href"):
            self.leads.append(given["href"])

    def handle_data(self, data):
        self.words += data


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The site as it is built from the source, strictly."""
    pytest.importorskip("sphinx", reason="needs the extra docs")
    out = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-E", "-q"]
    command += ["-d", str(out / "doctrees"), "-c", "docs", ".", str(out / "html")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    return out / "html"


@pytest.fixture(scope="module")
def pages(site):
    return {path: Page(path) for path in sorted(site.rglob("*.html"))}


def test_a_page_loads_nothing_from_elsewhere(site, pages):
    assert len(pages) > 50
    for path, page in pages.items():
        for target in page.loads:
            parts = urlsplit(target)
            assert not parts.scheme and not parts.netloc, (path, target)
            assert (path.parent / unquote(parts.path)).exists(), (path, target)
    for path in site.rglob("*.css"):
        text = path.read_text(encoding="utf-8")
        foreign = re.findall(r"(?:url\(|@import)\s*[\"']?(?:https?:)?//", text)
        assert not foreign, path


def test_every_link_and_anchor_leads_somewhere(site, pages):
    count = 0
    for path, page in pages.items():
        for target in page.leads:
            parts = urlsplit(target)
            if parts.scheme or parts.netloc:
                continue
            found = (
                (path.parent / unquote(parts.path)).resolve() if parts.path else path
            )
            assert found.exists(), (path, target)
            if found in pages:
                assert unquote(parts.fragment) in pages[found].ids, (path, target)
                count += 1
    assert count > 1000


def test_every_page_can_be_reached_from_the_front_page(site, pages):
    front = site / "docs" / "index.html"
    reached, new = {front}, {front}
    while new:
        leads = {
            (path.parent / unquote(urlsplit(target).path)).resolve()
            for path in new
            for target in pages[path].leads
            if urlsplit(target).path and not urlsplit(target).scheme
        }
        new = (leads & pages.keys()) - reached
        reached |= new
    made = {"genindex.html", "search.html", "py-modindex.html", "index.html"}
    assert {path for path in pages.keys() - reached if path.name not in made} == set()


def test_every_public_name_is_in_the_reference(site, pages):
    for name in jaxgan.__all__:
        room = getattr(jaxgan, name)
        if not isinstance(room, types.ModuleType):
            page = site / "docs/reference/rooms/jaxgan.html"
            assert f"jaxgan.{name}" in pages[page].ids
            continue
        page = pages[site / f"docs/reference/rooms/jaxgan.{name}.html"]
        for public in room.__all__:
            if isinstance(getattr(room, public), types.ModuleType):
                other = site / f"docs/reference/rooms/jaxgan.{name}.{public}.html"
                assert other in pages
            else:
                assert f"jaxgan.{name}.{public}" in page.ids, public


@pytest.mark.parametrize("command", COMMANDS)
def test_the_page_of_a_command_has_its_flags(command, pages, site):
    folder = (ROOT / "experiments" / command).is_dir()
    module = importlib.import_module(f"experiments.{command}" + ".__main__" * folder)
    words = pages[site / f"docs/experiments/{command}.html"].words
    for field in module.Config.__dataclass_fields__:
        assert "--" + field.replace("_", "-") in words, field


def test_formulas_are_drawn_by_the_browser_alone(site):
    path = site / "docs/tutorials/train_wgan_gp.html"
    page = path.read_text(encoding="utf-8")
    assert "<math" in page
    assert not [load for load in Page(path).loads if "math" in load.lower()]


def test_tutorials_are_beside_their_pages_as_notebooks(site):
    nbformat = pytest.importorskip("nbformat", reason="needs the extra docs")
    made = sorted((site / "docs/tutorials").glob("*.ipynb"))
    scripts = sorted((ROOT / "docs" / "tutorials").glob("*.py"))
    assert [path.stem for path in made] == [path.stem for path in scripts]
    for path in made:
        notebook = nbformat.read(path, as_version=4)
        nbformat.validate(notebook)
        assert {cell.cell_type for cell in notebook.cells} == {"markdown", "code"}


COLOURS = """() => {
    const shade = (colour) => {
        const [r, g, b] = colour.match(/[\\d.]+/g).map((part) => part / 255)
            .map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4))
        return 0.2126 * r + 0.7152 * g + 0.0722 * b
    }
    const behind = (element) => {
        for (let e = element; e; e = e.parentElement) {
            const colour = getComputedStyle(e).backgroundColor
            if (!/rgba\\(.*, 0\\)|transparent/.test(colour)) return shade(colour)
        }
        return 1
    }
    return [...document.querySelectorAll('p, h1, h2, td, th, pre, li')]
        .filter((e) => e.offsetParent && e.innerText.trim())
        .map((e) => [shade(getComputedStyle(e).color), behind(e)])
}"""
"""The luminance of all text, and of what is behind it (WCAG 2.2)."""


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [400, 1400])
def test_pages_can_be_read_in_the_light_and_in_the_dark(chromium, site, width, scheme):
    """Contrasts are at least 4.5, and nothing but tables and code is wider than it."""
    size = {"width": width, "height": 900}
    context = chromium.new_context(viewport=size, color_scheme=scheme)
    tab = context.new_page()
    for name in ("index", "answers", "results", "faq", "howto/read-a-certificate"):
        tab.goto((site / "docs" / f"{name}.html").as_uri())
        found = tab.evaluate(COLOURS)
        assert len(found) > 20, name
        for text, behind in found:
            low, high = sorted((text, behind))
            assert (high + 0.05) / (low + 0.05) >= 4.5, (name, text, behind)
        dark = sum(behind < 0.2 for _, behind in found) / len(found)
        assert dark > 0.9 if scheme == "dark" else dark < 0.1, name
        wide = tab.evaluate("document.documentElement.scrollWidth")
        assert wide <= width, (name, wide)
    context.close()
