"""Public names are those of a room's face, wherever in the room they are written."""

import ast
import inspect
import re
from typing import Any

from docutils import nodes
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.pycode import ModuleAnalyzer

import jaxgan

STAR = re.compile(r"[*|]")


def to_face(
    app: Sphinx, env: BuildEnvironment, node: pending_xref, words: nodes.TextElement
) -> nodes.Element | None:
    """Resolve `jaxgan.room.file.Name` as `jaxgan.room.Name`; private names as text."""
    target = node.get("reftarget", "")
    if node.get("refdomain") != "py" or not target.startswith("jaxgan."):
        return None
    parts = target.split(".")
    face = f"jaxgan.{parts[1]}.{parts[-1]}"
    found = env.domains["py"].resolve_any_xref(
        env, node["refdoc"], app.builder, face, node, words
    )
    if found:
        return found[0][1]
    public = getattr(getattr(jaxgan, parts[1], None), "__all__", ())
    return None if parts[-1] in public else words


def without_fields(
    app: Sphinx, what: str, name: str, member: Any, skip: bool, options: Any
) -> bool | None:
    """Leave out the fields of a named tuple: the words on its class describe them."""
    is_field = str(getattr(member, "__doc__", "")).startswith("Alias for field number")
    return True if is_field else None


def bring_words(app: Sphinx) -> None:
    """Give the constants and types of a face the words of the file that defines them.

    Sphinx looks for these words, the string below a name, in the face alone.
    """
    for room in filter(inspect.ismodule, map(jaxgan.__dict__.get, jaxgan.__all__)):
        words = ModuleAnalyzer.for_module(room.__name__).find_attr_docs()
        for node in ast.parse(inspect.getsource(room)).body:
            if not isinstance(node, ast.ImportFrom):
                continue
            there = ModuleAnalyzer.for_module(node.module or "").find_attr_docs()
            for name in {("", alias.name) for alias in node.names} & there.keys():
                words[name] = there[name]


def escape(
    app: Sphinx, what: str, name: str, thing: Any, options: Any, lines: list[str]
) -> None:
    """Let stars and bars outside of code mean themselves, as they do in formulas."""
    is_code = False
    for number, line in enumerate(lines):
        if line.lstrip().startswith((">>>", "...")):
            continue
        first, *parts = line.split("`")
        escaped = first if is_code else STAR.sub(r"\\\g<0>", first)
        for part in parts:
            is_code = not is_code
            if not is_code and re.match(r"[^\s\])}.,;:!?'\"/-]", part):
                escaped += "`\\ " + STAR.sub(r"\\\g<0>", part)
            else:
                escaped += "`" + (part if is_code else STAR.sub(r"\\\g<0>", part))
        lines[number] = escaped


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the handlers."""
    app.connect("missing-reference", to_face)
    app.connect("autodoc-skip-member", without_fields)
    app.connect("builder-inited", bring_words, priority=100)  # before autosummary
    app.connect("autodoc-process-docstring", escape, priority=100)  # before napoleon
    return {"parallel_read_safe": True, "parallel_write_safe": True}
