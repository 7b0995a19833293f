"""Tables in Markdown."""

from collections.abc import Iterable, Sequence


def markdown(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table in Markdown, with a line break at its end.

    Args:
        header: a title for each column.
        rows: a text for each cell.
    """
    lines = [header, ["---"] * len(header), *rows]
    return "".join(f"{markdown_row(line)}\n" for line in lines)


def markdown_row(cells: Sequence[str]) -> str:
    """Return a row of a table in Markdown, without a line break."""
    return f"| {' | '.join(cells)} |"
