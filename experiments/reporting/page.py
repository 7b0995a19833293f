"""The page `report.html` of a run: its verdict, figures, numbers, and how to repeat it.

All of it is read from the run's folder, so that it can be made anew at any time. The
page needs no script and no network: its figures are inside.
"""

import base64
import json
import os
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

import jinja2
from PIL import Image

from experiments.reporting import contents, numbers
from experiments.running import hosts, written
from jaxgan.errors import first_line

NAME = "report.html"
MARK = '<meta name="generator" content="jaxgan">'
"""A line that is in every page, and by which ours are known."""
KINDS = {".png": "image/png", ".gif": "image/gif"}
LARGEST = 8 * 2**20
"""Bytes: a larger picture stays outside of the page."""


class Progress(NamedTuple):
    """How far a run is: so many of all `unit`s (in the singular) are done."""

    done: int
    total: int
    unit: str


BEGUN = Progress(0, 0, "part")
"""How far a run is that has just begun."""


class Figure(NamedTuple):
    """A picture of a run.

    Attributes:
        name: name of its file.
        caption: what it shows.
        source: the picture as a data URI; None if it is damaged or too large.
    """

    name: str
    caption: str
    source: str | None


class Content(NamedTuple):
    """What a folder holds of a run.

    Attributes:
        name: name of the folder.
        command: name of the experiment.
        config: its `config.json`.
        words: the verdict, a paragraph each.
        figures: its pictures, the main one first.
        tables: tables of its text files.
        numbers: the numbers of `summary.json`, with intervals and floors.
        hashes: SHA-256 of data, weights and states, by name.
        files: name, address and meaning of each file or folder.
    """

    name: str
    command: str
    config: Mapping[str, Any]
    words: Sequence[str]
    figures: Sequence[Figure]
    tables: Sequence[numbers.Table]
    numbers: Sequence[numbers.Number]
    hashes: Mapping[str, str]
    files: Sequence[tuple[str, str, str]]


def write(out: Path, progress: Progress | None = None) -> None:
    """Write `report.html` into the folder of a run, on the first of several hosts.

    A page that cannot be made or written costs itself only: a warning says so. While
    the run goes on, nothing is said of a disk that is full: the next page may fit.

    Args:
        out: folder of the run.
        progress: how far the run is; None if it has ended.
    """
    if not hosts.is_first():
        return
    try:
        replace(out / NAME, render(read(out), progress))
    except Exception as error:  # of a template, of a damaged file, of the disk
        if progress is not None and isinstance(error, OSError):
            return
        said = error.strerror if isinstance(error, OSError) else None
        line = said or f"{type(error).__name__}: {first_line(error)}"
        print(f"warning: {out / NAME} is not written: {line}", file=sys.stderr)


def replace(path: Path, text: str) -> None:
    """Write a page; the file is replaced when the new one is complete."""
    temporary = path.with_name(f".{path.name}.tmp")
    try:
        temporary.write_text(text, encoding="utf-8")
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def is_ours(path: Path) -> bool:
    """Return whether a file is a page that `render` has made."""
    return MARK in path.read_text(encoding="utf-8", errors="replace")[:1000]


def read(folder: Path) -> Content:
    """Return what a folder holds of a run.

    Raises:
        ValueError: if there is no run in it, or a JSON file is damaged.
        OSError: if a file cannot be read.
    """
    command = written.run_in(folder)
    if command is None:
        raise ValueError(f"{folder} does not hold a run")
    config = _json(folder / written.RECORD)
    summary = _json(folder / "summary.json")
    found = written.by_pattern(command, folder)
    texts = [
        path.read_text(encoding="utf-8")
        for name in ("report.md", "table.md")
        for path in found.get(name, ())
    ]
    words = summary.get("in_words") or (numbers.prose(texts[0]) if texts else "")
    hashes = {
        numbers.spaced(name): value
        for name, value in {**config, **summary}.items()
        if name.endswith("sha256") and isinstance(value, str)
    }
    return Content(
        folder.resolve().name,
        command,
        config,
        str(words).splitlines(),
        _figures(command, found),
        [table for text in texts for table in numbers.tables(text)],
        numbers.of_summary(summary),
        hashes,
        _files(folder, found),
    )


def _json(path: Path) -> dict[str, Any]:
    if not path.exists():
        return {}
    content = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(content, dict):
        raise ValueError(f"{path} holds no JSON object")
    return content


def _figures(command: str, found: Mapping[str, list[Path]]) -> list[Figure]:
    main = contents.MAIN_FIGURES.get(command)
    pictures = [
        (path.name, contents.caption(pattern), path)
        for pattern, paths in found.items()
        for path in paths
        if path.suffix in KINDS and "/" not in pattern
    ]
    pictures.sort(key=lambda picture: picture[0] != main)
    return [Figure(name, text, _source(path)) for name, text, path in pictures]


def _source(path: Path) -> str | None:
    """Return a picture as a data URI; None if it cannot be read or is too large."""
    try:
        with Image.open(path) as image:
            image.verify()
        data = path.read_bytes()
    except Exception:  # Pillow raises many kinds.
        return None
    if len(data) > LARGEST:
        return None
    return f"data:{KINDS[path.suffix]};base64,{base64.b64encode(data).decode()}"


def _files(folder: Path, found: Mapping[str, list[Path]]) -> list[tuple[str, str, str]]:
    """Return name, address and meaning of what there is; a folder counts as one."""
    listed = {}
    for pattern, paths in found.items():
        for path in paths:
            parts = path.relative_to(folder).parts
            name = parts[0] + "/" * (len(parts) > 1)
            listed[name] = (name, quote(name), contents.caption(pattern))
    return list(listed.values())


_PAGES = jinja2.Environment(
    loader=jinja2.FileSystemLoader(Path(__file__).parent / "pages"),
    autoescape=True,
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def render(content: Content, progress: Progress | None = None) -> str:
    """Return the page of one run."""
    present = {
        name for n in content.numbers for name, each in n._asdict().items() if each
    }
    return _PAGES.get_template("run.html").render(
        run=content, progress=progress, present=present, time=_now()
    )


def render_together(runs: Sequence[Content]) -> str:
    """Return a page with several runs side by side."""
    shared = {run.command for run in runs}
    names = {name: None for run in runs for name in run.config}
    different = [
        (name, [numbers.text(run.config.get(name)) for run in runs])
        for name in names
        if len({json.dumps(run.config.get(name), sort_keys=True) for run in runs}) > 1
    ]
    by_name = [{number.name: number for number in run.numbers} for run in runs]
    rows = [
        (name, [of_run[name].cell if name in of_run else "" for of_run in by_name])
        for name in {name: None for of_run in by_name for name in of_run}
    ]
    drawn = [{figure.name: figure for figure in run.figures} for run in runs]
    figures = [
        (name, [of_run.get(name) for of_run in drawn])
        for name in {name: None for of_run in drawn for name in of_run}
    ]
    return _PAGES.get_template("together.html").render(
        runs=runs,
        title=" and ".join(sorted(shared)),
        different=different,
        numbers=rows,
        figures=figures,
        time=_now(),
        spaced=numbers.spaced,
    )


def _now() -> str:
    return time.strftime("%H:%M:%S on %d %B %Y")
