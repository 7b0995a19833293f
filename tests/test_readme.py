"""README and docs: their code runs, and what they name exists."""

import dataclasses
import importlib
import importlib.util
import re
import shlex
from pathlib import Path

import jax
import pytest
import tyro
from test_house import ORDER

import jaxgan
from experiments.running import command_line
from experiments.running.options import OutputOptions
from experiments.running.written import WRITTEN

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"
API = ROOT / "docs" / "api.md"
CHANGELOG = ROOT / "CHANGELOG.md"
FIRST = ROOT / "docs" / "howto" / "first-certified-minimum.md"
ONE_PROGRAM = [ROOT / "docs" / "generators.md", FIRST]
"""Pages whose blocks of Python go on from one another; elsewhere each runs alone."""
SLOW = [
    *(FIRST, README, ROOT / "docs" / "faq.md", ROOT / "docs" / "generators.md"),
    *(FIRST.with_name(name) for name in ("choose-kappa.md", "read-a-certificate.md")),
]
"""Pages whose blocks together take more than a few seconds."""
PAGES = [
    *(README, ROOT / "CONTRIBUTING.md"),
    *sorted((ROOT / "docs").rglob("*.md")),
    *sorted((ROOT / "exercises").glob("*.md")),
]
COMMANDS = sorted(
    path.stem if path.suffix else path.name
    for path in (ROOT / "experiments").iterdir()
    if (path / "__main__.py").exists() or (path.suffix and path.stem != "__init__")
)
FILES = {".json", ".jsonl", ".md", ".npz", ".png", ".py"}
OF_A_RUN = {Path(name).name for names in WRITTEN.values() for name in names}
"""Names of files that commands write."""
BLOCK = re.compile(r"```([\w{}]*)\n(.*?)```", re.DOTALL)


def label(value):
    return value.name if isinstance(value, Path) else None


def blocks(page, language):
    """Find the blocks of code in a language, each with the number of its line."""
    text = page.read_text()
    return [
        (text.count("\n", 0, match.start(2)), match[2])
        for match in BLOCK.finditer(text)
        if match[1] == language
    ]


def programs(page):
    """Find the programs of a page, each in lines with the numbers of the page's."""
    found = ["\n" * line + code for line, code in blocks(page, "python")]
    if page not in ONE_PROGRAM:
        return found
    whole = ""
    for code in found:
        whole += code[whole.count("\n") :]
    return [whole]


def quoted(page):
    """Find what stands between backticks, on one line each; then the shell's lines."""
    spans = re.findall(r"`([^`]+)`", BLOCK.sub("", page.read_text()))
    shell = [line for _, code in blocks(page, "bash") for line in code.splitlines()]
    return [" ".join(span.split()) for span in spans] + shell


def table(text, heading):
    """Read the rows of the first table after a heading: the cells of each."""
    lines = f"\n{text}".split(f"\n{heading}\n")[1].splitlines()
    first = next(n for n, line in enumerate(lines) if line.startswith("|"))
    rows = []
    for line in lines[first + 2 :]:
        if not line.startswith("|"):
            break
        rows.append([cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]])
    return rows


def names(cell):
    return re.findall(r"`([^`]+)`", cell)


def public(name):
    """Whether `room.name` is in the room's list of public names."""
    room, _, rest = name.partition(".")
    return room in jaxgan.__all__ and rest in getattr(jaxgan, room).__all__


def exists(name):
    """Whether a dotted name is that of a module, or found in one."""
    module, _, last = name.rpartition(".")
    if hasattr(importlib.import_module(module), last):
        return True
    return importlib.util.find_spec(name) is not None


def anchors(page):
    """The anchors of a page's headings, as they are made from their words."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", h.lower()).replace(" ", "-") for h in headings}


@pytest.mark.parametrize(
    ("page", "code"),
    [
        pytest.param(page, code, marks=[pytest.mark.slow] * (page in SLOW))
        for page in PAGES
        for code in programs(page)
    ],
    ids=label,
)
def test_code_runs(page, code, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with jax.numpy_dtype_promotion("standard"):  # for optax's bias correction
        exec(compile(code, page, "exec"), {})


@pytest.mark.parametrize("page", [*PAGES, CHANGELOG], ids=label)
def test_links_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)]+)\)", page.read_text()):
        path, _, anchor = target.partition("#")
        found = (page.parent / path) if path else page
        assert found.exists(), target
        assert not anchor or anchor in anchors(found), target


def test_every_figure_is_shown():
    shown = {
        Path(target).name
        for page in PAGES
        for target in re.findall(r"\(([^)]+\.png)\)", page.read_text())
    }
    assert shown == {path.name for path in (ROOT / "docs" / "figures").iterdir()}


@pytest.mark.parametrize("page", PAGES, ids=label)
def test_files_exist(page):
    tops = {path.name for path in ROOT.iterdir()}
    for span in quoted(page):
        for word in re.findall(r"(?<![\w./-])\.?\w[\w./-]*/[\w./-]*", span):
            is_test = Path(word).name.startswith("test_")  # see below
            if word.split("/")[0] in tops and not is_test:
                assert (ROOT / word).exists(), word
        for word in re.findall(r"(?<![\w/])[\w-]+\.md(?!\w)", span):
            found = (page.parent / word).exists() or (ROOT / word).exists()
            assert found or word in OF_A_RUN, word


@pytest.mark.parametrize("page", PAGES, ids=label)
def test_tests_exist(page):
    found = {
        path.relative_to(ROOT / "tests").as_posix(): path
        for path in (ROOT / "tests").rglob("test_*.py")
    }
    for span in quoted(page):
        for file, name in re.findall(r"([\w/]*test_\w+\.py)(?:::(\w+))?", span):
            file = file.removeprefix("tests/")
            assert file in found, file
            assert f"def {name}(" in found[file].read_text() or not name, span


def test_slow_tests_are_marked():
    text = (ROOT / "docs" / "reliability.md").read_text()
    found = re.findall(r"`([\w/]*test_\w+\.py)::(\w+)`(°?)", text)
    assert {mark for _, _, mark in found} == {"", "°"}
    for file, name, mark in found:
        source = (ROOT / "tests" / file).read_text()
        slow = "\npytestmark = pytest.mark.slow\n" in source or re.search(
            rf"\n@pytest\.mark\.slow\n(?:@.*\n)*def {name}\(", source
        )
        assert bool(slow) == bool(mark), name


@pytest.mark.parametrize("page", PAGES, ids=label)
def test_commands_exist_and_take_their_flags(page):
    for span in quoted(page):
        for name, words in re.findall(r"-m (\w+\.\w+)((?: [^&|]+)?)", span):
            room, _, last = name.partition(".")
            if room != "experiments":
                assert importlib.util.find_spec(name), span
            elif name != "experiments.NAME":
                assert last in COMMANDS, span
                folder = (ROOT / "experiments" / last).is_dir()
                module = importlib.import_module(name + ".__main__" * folder)
                if "…" not in words:
                    tyro.cli(
                        module.Config,
                        args=shlex.split(words),
                        config=command_line.conventions(),
                    )


@pytest.mark.parametrize("page", PAGES, ids=label)
def test_names_exist(page):
    for span in quoted(page):
        for name in re.findall(r"(?<![\w./])(?:jaxgan\.)?[a-z_]+\.\w[\w.]*", span):
            room = name.removeprefix("jaxgan.").split(".")[0]
            if name.startswith("jaxgan."):
                assert exists(name.rstrip(".")), name
            elif room in jaxgan.__all__ and Path(name).suffix not in FILES:
                assert public(name), name


def test_the_table_of_rooms_is_complete_and_in_the_order_of_imports():
    rows = table(README.read_text(), "## Rooms")
    assert [names(row[0]) for row in rows] == [[room] for room in ORDER]
    for room, (_, _, first, functions) in zip(ORDER, rows, strict=True):
        assert f"jaxgan/{room}" in first
        assert names(functions)
        for name in names(functions):
            assert name.startswith(f"{room}.") and public(name), name


def test_the_table_of_experiments_is_complete():
    rows = table(README.read_text(), "## Experiments")
    assert sorted(names(row[0])[0] for row in rows) == COMMANDS
    for name, _, calls in rows:
        command = ROOT / "experiments" / names(name)[0]
        files = [command.with_suffix(".py"), *command.glob("*.py")]
        files += [*(ROOT / "experiments" / "reporting").glob("*.py")]
        source = "".join(file.read_text() for file in files if file.exists())
        for call in names(calls):
            assert public(call), call
            assert re.search(rf"\b{call.split('.')[1]}\b", source), call


def test_every_experiment_has_a_page():
    folder = ROOT / "docs" / "experiments"
    assert {path.stem for path in folder.glob("*.md")} == {"index", *COMMANDS}
    rows = table((folder / "index.md").read_text(), "# Experiments")
    assert sorted(names(row[0])[0] for row in rows) == COMMANDS
    for command in COMMANDS:
        text = (folder / f"{command}.md").read_text()
        assert f"\n```{{flags}}\npython -m experiments.{command} --help\n```" in text
        for word in ("What it answers.", "What it writes", "What can go wrong"):
            assert f"**{word}" in text, (command, word)


def test_the_page_of_public_names_is_complete():
    text = API.read_text()
    rooms = {f"jaxgan.{name}": getattr(jaxgan, name) for name in jaxgan.__all__}
    for name, room in {"jaxgan": jaxgan, **rooms}.items():
        if hasattr(room, "__all__"):
            listed = [names(row[0])[0] for row in table(text, f"## `{name}`")]
            assert sorted(listed) == sorted(room.__all__), name
    headings = re.findall(r"^## `(.*)`$", text, re.MULTILINE)
    assert {h for h in headings if "." in h} == {
        name for name, room in rooms.items() if hasattr(room, "__all__")
    }


def test_the_page_of_public_names_has_the_flags_that_all_commands_share():
    flags = {f"--{field.name}" for field in dataclasses.fields(OutputOptions)}
    assert flags <= set(names(API.read_text()))


def test_what_the_changelog_calls_new_exists():
    text = CHANGELOG.read_text().split("\n## ")[1]
    cells = re.findall(r"^\| `[\w.]+` \| (.*) \|$", text, re.MULTILINE)
    assert len(cells) > 100
    for name in names(" ".join(cells)):
        assert exists(name), name
