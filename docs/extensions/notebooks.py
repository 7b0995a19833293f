"""Tutorials: scripts in the percent format as pages, and as notebooks beside them."""

from pathlib import Path
from typing import Any

import jupytext
from docutils import nodes
from myst_parser.parsers.sphinx_ import MystParser
from sphinx.application import Sphinx

FOLDER = "docs/tutorials"


class PercentParser(MystParser):
    """Parses a script of cells: its words as Markdown, its code as blocks of code."""

    supported = ("percent",)

    def parse(self, inputstring: str, document: nodes.document) -> None:
        """Parse the source of a script into a document."""
        title, _, rest = as_markdown(inputstring).partition("\n")
        name = Path(document["source"]).with_suffix(".ipynb").name
        link = f'<p><a href="{name}" download>Download as a notebook</a></p>'
        super().parse(f"{title}\n\n{link}\n{rest}", document)


def as_markdown(script: str) -> str:
    """Return the cells of a script as one text in Markdown."""
    cells = jupytext.reads(script, fmt="py:percent").cells
    return "\n\n".join(
        cell.source
        if cell.cell_type == "markdown"
        else f"```python\n{cell.source}\n```"
        for cell in cells
    )


def write_notebooks(app: Sphinx, error: Exception | None) -> None:
    """Write each script as a notebook into the folder of its page."""
    if error or app.builder.name != "html":
        return
    for script in sorted((Path(app.srcdir) / FOLDER).glob("*.py")):
        notebook = jupytext.read(script, fmt="py:percent")
        jupytext.write(notebook, Path(app.outdir) / FOLDER / f"{script.stem}.ipynb")


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the parser and the notebooks."""
    app.add_source_suffix(".py", "percent")
    app.add_source_parser(PercentParser)
    app.connect("build-finished", write_notebooks)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
