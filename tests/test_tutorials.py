"""The tutorials run as they stand, and print what they say is to be expected."""

import ast
import contextlib
import io
import os
import re
import resource
import subprocess
import sys
from pathlib import Path

import pytest
from test_house import private_uses

ROOT = Path(__file__).parent.parent
TESTS = ROOT / "tests"
FOLDER = ROOT / "docs" / "tutorials"
SCRIPTS = sorted(FOLDER.glob("*.py"))
LIMIT = 120.0
"""Seconds of processor time: a minute on two cores."""
TOLERANCE = 0.1
"""Relative difference of a number from what is to be expected; the index says so."""
EXPECTED = re.compile(r"```text\n(.*?)```", re.DOTALL)
NUMBER = re.compile(r"(?<![\w.])-?\d+\.?\d*(?:e[-+]\d+)?")


def cells(text):
    """Read a script in the percent format: whether each cell is code, and its text."""
    found = []
    for part in re.split(r"(?m)^# %%", text)[1:]:
        head, _, body = part.partition("\n")
        if head.strip() == "[markdown]":
            lines = body.rstrip().splitlines()
            assert all(line == "#" or line.startswith("# ") for line in lines if line)
            found.append((False, "\n".join(line[2:] for line in lines) + "\n"))
        else:
            assert not head.strip(), head
            found.append((True, body))
    return found


def agrees(line, expected):
    """Whether a line has the expected words, and numbers that are near."""
    if NUMBER.sub("#", line).split() != NUMBER.sub("#", expected).split():
        return False
    pairs = zip(NUMBER.findall(line), NUMBER.findall(expected), strict=True)
    return all(
        abs(float(one) - float(other)) <= TOLERANCE * abs(float(other))
        for one, other in pairs
    )


def run(path):
    """Run a script cell by cell; yield what was printed beside what was expected."""
    text, space, printed = path.read_text(encoding="utf-8"), {}, ""
    for is_code, content in cells(text):
        if is_code:
            out = io.StringIO()
            with contextlib.redirect_stdout(out):
                exec(compile(content, path, "exec"), space)
            printed += out.getvalue()
        elif found := EXPECTED.search(content):
            yield printed, found[1]
            printed = ""
    assert not printed, "the last lines are not expected"


def test_numbers_agree_within_a_tenth_and_words_exactly():
    assert agrees("error 0.105, 3 starts", "error 0.1, 3 starts")
    assert not agrees("error 0.12, 3 starts", "error 0.1, 3 starts")
    assert not agrees("error 0.1, 3 codes", "error 0.1, 3 starts")
    assert not agrees("error 0.1", "error 0.1 0.1")
    assert not agrees("kink", "strict")


def test_there_are_six_and_each_is_on_the_page():
    text = (FOLDER / "index.md").read_text(encoding="utf-8")
    assert len(SCRIPTS) == 6
    for path in SCRIPTS:
        assert f"]({path.name})" in text and f"\n{path.stem}\n" in text


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.stem)
def test_a_tutorial_is_a_script_of_cells_that_says_what_to_expect(path):
    text = path.read_text(encoding="utf-8")
    is_code, first = cells(text)[0]
    assert not is_code and first.startswith("# ") and "**Time**" in first
    tree = ast.parse(text)
    assert private_uses(tree) == []
    words = "".join(content for is_code, content in cells(text) if not is_code)
    assert len(EXPECTED.findall(words)) >= 2
    assert all(block.strip() for block in EXPECTED.findall(words))
    saved = set(re.findall(r'"(tutorial-[\w-]+\.png)"', text))
    assert saved == set(re.findall(r"\(figures/([\w-]+\.png)\)", words))


def test_every_figure_is_shown():
    texts = "".join(path.read_text(encoding="utf-8") for path in SCRIPTS)
    assert {path.name for path in (FOLDER / "figures").iterdir()} == set(
        re.findall(r"\(figures/([\w-]+\.png)\)", texts)
    )


@pytest.mark.slow
@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.stem)
def test_a_tutorial_prints_what_is_to_be_expected(path, tmp_path):
    """As a script of its own, in a process whose time is measured."""
    program = f"import test_tutorials as t; t.compare({str(path)!r})"
    command = [sys.executable, "-W", "error", "-c", program]
    done = subprocess.run(
        command,
        cwd=tmp_path,
        env=dict(os.environ, PYTHONPATH=os.pathsep.join([str(ROOT), str(TESTS)])),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    print(path.stem, done.stdout)


def compare(path):
    """Run a tutorial, assert that it prints what it says, and print its time."""
    import matplotlib

    matplotlib.use("agg")
    for printed, expected in run(Path(path)):
        lines, wanted = printed.splitlines(), expected.splitlines()
        assert len(lines) == len(wanted), printed
        for line, want in zip(lines, wanted, strict=True):
            assert agrees(line, want), f"{line!r} where {want!r} is expected"
    used = resource.getrusage(resource.RUSAGE_SELF)
    seconds = used.ru_utime + used.ru_stime
    assert seconds < LIMIT, f"{seconds:.0f} s of processor time"
    print(f"{seconds:.0f} s of processor time")
