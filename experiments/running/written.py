"""What commands write into the folder of a run, and no other file is ever deleted.

A folder holds a run if its `config.json` is the record of one. Files that no command
writes may lie beside it: they are neither in the way nor touched.
"""

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

from experiments.running import duration

RECORD = "config.json"
KEYS = {"experiment", "command", "data_sha256", "versions"}
"""Keys by which a `config.json` is that of a run."""

_CHECKPOINTS = (
    "checkpoint/<n>",
    "checkpoint/corrupt-<n>",
    "checkpoint/corrupt-<n>-again*",
    "checkpoint/.saving-<n>",
    "checkpoint/<n>.orbax-checkpoint-tmp*",
)
_MODEL = ("model/card.json", "model/generator.safetensors", "model/critic.safetensors")
_EVENTS = "events/events.out.tfevents.*"
_PARTS = ("parts/<n>.npz", "parts/corrupt-<n>.npz")
_ADVERSARIAL = (
    *("metrics.jsonl", "samples.png", "progress.gif", "frames/<n>.png", "losses.png"),
    *(*_MODEL, *_CHECKPOINTS, _EVENTS),
)
_OF_ONE_PENALTY = (
    *("numbers.json", "corrupt-numbers.json", "films.npz"),
    *(*_MODEL, "model/encoder.safetensors"),
)
_OF_ONE_CONTESTANT = ("metrics.jsonl", "samples-<n>.png", *_CHECKPOINTS)

WRITTEN: dict[str, tuple[str, ...]] = {
    "wgan": _ADVERSARIAL,
    "gan": _ADVERSARIAL,
    "classifier": (
        *("metrics.jsonl", "model/card.json", "model/classifier.safetensors"),
        *(*_CHECKPOINTS, _EVENTS),
    ),
    "evaluate": ("table.md", "samples.png", "nearest.png", "classes.png"),
    "compare": (
        *("report.md", "frechet.png", "losses.png", "samples.png"),
        *(f"{n}/{file}" for n in ("GAN", "WGAN-GP") for file in _OF_ONE_CONTESTANT),
    ),
    "invert": (
        *("results.npz", "minima.jsonl", "reconstructions.png", "errors.png"),
        *("distances.png", "convergence.png", "objective.png", *_PARTS),
    ),
    "kinks": ("table.md", "kinks.png", "parts/*.npz"),
    "recover": ("results.npz", "recovery.png", *_PARTS),
    "recipes": ("errors.npz", "table.md", "recipes.png", "parts/*-<n>.npz"),
    "path": (
        *("path.npz", "path.gif", "frames/<n>.png", "strip.png", "strip-<n>.png"),
        *("metric.png", "rho.png", "realism.png", "convergence.png", "map.png"),
    ),
    "path_gan": (
        *("report.md", "pareto.png", "given.png", "strips.png"),
        *("step_ms-*.npz", "corrupt-step_ms-*.npz"),
        *("models/shared/<n>.npz", "models/shared/corrupt-<n>.npz"),
        *(f"models/*/<n>/{file}" for file in _OF_ONE_PENALTY),
        *(f"models/*/<n>/later/{file}" for file in _OF_ONE_PENALTY),
    ),
    "rate_distortion": (
        *("metrics.jsonl", "table.md", "curves.npz", "plane.png", "gaps.png"),
        *("reconstructions.png", "samples.png", "parts/*-<n>-<n>.npz"),
    ),
    "diagnose": ("diagnosis.txt", "results.npz", "diagnosis.png"),
    "shannon": ("shannon.png", "table.md"),
    "report": (),
    "explore": (),
}
"""Paths by command, beside those that all write: `<n>` is a number, and `*` any part
of a name. A folder is meant with all that is in it. The last two write into no run
of their own."""


def run_in(folder: Path) -> str | None:
    """Return the name of the command whose run is in a folder; None if there is none.

    Only its `config.json` counts: many other programs write one.
    """
    try:
        content = json.loads((folder / RECORD).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return None
    if not (isinstance(content, dict) and content.keys() >= KEYS):
        return None
    name = content["experiment"]
    return name if isinstance(name, str) and name in WRITTEN else None


def by_pattern(command: str, folder: Path) -> dict[str, list[Path]]:
    """Return what is in a folder under each pattern of names that a command writes."""
    found = {name: list(_matching(folder, name)) for name in _names(command)}
    return {name: paths for name, paths in found.items() if paths}


def files_of(command: str, folder: Path) -> list[Path]:
    """Return what is in a folder under a name that a command writes."""
    return [path for name in _names(command) for path in _matching(folder, name)]


def in_the_way(command: str, folder: Path) -> list[Path]:
    """Return what a new run of a command would meet: its files, no folder for them."""
    above = {Path(name).parts[0] for name in _names(command) if "/" in name}
    no_folders = [folder / n for n in sorted(above) if (folder / n).exists()]
    return [
        *files_of(command, folder),
        *(path for path in no_folders if not path.is_dir()),
    ]


def delete(command: str, folder: Path) -> None:
    """Delete what a command has written into a folder, its record last."""
    names = [name for name in _names(command) if name != RECORD]
    for name in [*names, RECORD]:
        for path in [*_matching(folder, name), *_unfinished(folder, name)]:
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink()
            _delete_empty(path.parent, folder)


def _names(command: str) -> tuple[str, ...]:
    shared = (RECORD, duration.FILE, "summary.json", "report.html")
    return (*shared, *WRITTEN.get(command, ()))


def _matching(folder: Path, name: str) -> Iterator[Path]:
    parts = re.split(r"(<n>|\*)", name)
    kinds = {"<n>": r"\d+", "*": "[^/]*"}
    exact = re.compile("".join(kinds.get(part, re.escape(part)) for part in parts))
    for path in sorted(folder.glob(name.replace("<n>", "[0-9]*"))):
        if exact.fullmatch(path.relative_to(folder).as_posix()):
            yield path


def _unfinished(folder: Path, name: str) -> Iterator[Path]:
    """Return what a kill left of a file: it is written under another name first."""
    above, _, file = name.rpartition("/")
    for hidden in (f".{file}.tmp", f".{file}"):
        yield from _matching(folder, f"{above}/{hidden}" if above else hidden)


def _delete_empty(inside: Path, folder: Path) -> None:
    while inside != folder and not inside.is_symlink() and not any(inside.iterdir()):
        inside.rmdir()
        inside = inside.parent
