"""The table of all benchmarks in Markdown."""

from collections.abc import Iterable, Mapping
from typing import Any

from benchmarks.rows import Row
from experiments.reporting.tables import markdown

HEADER = (
    *("what", "measured", "peer or limit", "ratio: peer over measured"),
    *("compiling", "command"),
)
NOTHING = "—"


def line_of(what: str, found: Row, command: str) -> tuple[str, ...]:
    """Return the cells of a benchmark that has come to its end."""
    ratios = [NOTHING if p.ratio is None else f"{p.ratio:.3g}" for p in found.peers]
    compiling = found.compile_seconds
    return (
        what,
        found.measured,
        "; ".join(peer.what for peer in found.peers),
        "; ".join(ratios),
        NOTHING if compiling is None else f"{compiling:.3g} s",
        f"`{command}`",
    )


def failed(what: str, said: str, command: str) -> tuple[str, ...]:
    """Return the cells of a benchmark that has not; a bar would end a cell."""
    cell = f"failed: {said}".replace("|", "\\|")
    return (what, cell, *[NOTHING] * 3, f"`{command}`")


def document(machine: Mapping[str, Any], lines: Iterable[tuple[str, ...]]) -> str:
    """Return the table, and a line about the machine below it."""
    about = (
        f"{machine['processor']}, {machine['threads']} usable cores; Python "
        f"{machine['python_version']}, jax {machine['jax_version']}, "
        f"device {machine['device']}"
    )
    return f"{markdown(HEADER, lines)}\n{about}\n"
