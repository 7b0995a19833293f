"""How Sphinx builds the site: `python -m sphinx -W -c docs . build/site`.

The source is the whole repository, so that a relative link leads to the same page on
the site as where the Markdown is read alone. Nothing is loaded from another server.
"""

import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE.parent), str(HERE / "extensions")]

project = "jaxgan"
html_title = "jaxgan"
copyright = "the authors of jaxgan, MIT licence"
root_doc = "docs/index"
include_patterns = ["docs/**", "exercises/*.md", "*.md"]
exclude_patterns = [
    *(".*", "build", "runs", "checkpoints"),
    *("docs/conf.py", "docs/extensions"),
]
extensions = [
    *("myst_parser", "sphinx.ext.autodoc", "sphinx.ext.autosummary"),
    *("sphinx.ext.napoleon", "faces", "flags", "mathml", "notebooks", "sources"),
]

# Markdown: anchors of headings as GitHub makes them; formulas between dollars.
myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 4
smartquotes = False  # they would make one dash of the two before a flag

# Docstrings: a word between backticks is code; shapes are in the signatures.
default_role = "code"
napoleon_use_ivar = True
napoleon_attr_annotations = False
autosummary_generate = True
autosummary_ignore_module_all = False
autosummary_imported_members = True
autodoc_member_order = "groupwise"
autodoc_default_options = {"members": True}
autodoc_typehints_format = "short"
autodoc_preserve_defaults = True
nitpicky = True
# Types of other libraries have pages elsewhere, which are not asked for.
nitpick_ignore_regex = [(r"py:.*", r"(?!jaxgan\.).*")]

html_theme = "furo"
html_copy_source = False
html_show_sourcelink = False
html_extra_path = ["front"]  # leads from the folder of the site to its front page
