"""Links from a page to a file of the source, which the site has beside its pages."""

import re
from typing import Any

from sphinx.application import Sphinx

LINK = re.compile(r"(\]\()([^)\s:]+\.py)(\))")
"""A link to a script; those to tutorials are links to pages."""


def as_files(app: Sphinx, docname: str, source: list[str]) -> None:
    """Make links to scripts other than tutorials links to files."""

    def mark(link: re.Match[str]) -> str:
        is_page = app.env.path2doc(app.env.relfn2path(link[2], docname)[1]) in (
            app.env.found_docs
        )
        return link[0] if is_page else f"{link[1]}path:{link[2]}{link[3]}"

    source[0] = LINK.sub(mark, source[0])


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the rewriting of links."""
    app.connect("source-read", as_files)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
