"""The directive `flags`: a table of the flags of a command, from its dataclass."""

import ast
import dataclasses
import importlib
import inspect
import textwrap
from collections.abc import Iterator
from typing import Any, Literal, get_args, get_origin, get_type_hints

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

HEAD = ("flag", "default", "meaning")


class Flags(SphinxDirective):
    """Writes what `python -m experiments.NAME --help` says as a table.

    Its content is that command.
    """

    has_content = True

    def run(self) -> list[nodes.Node]:
        """Return the table."""
        name = self.content[0].split()[2]
        config = config_of(name)
        for kind in config.__mro__[:-1]:
            self.env.note_dependency(inspect.getsourcefile(kind) or "")
        group = nodes.tgroup("", cols=len(HEAD))
        group += [nodes.colspec(colwidth=width) for width in (3, 2, 7)]
        head, body = nodes.thead(), nodes.tbody()
        head += row([nodes.paragraph(text=word) for word in HEAD])
        for flag, default, words in flags_of(config):
            cells = [nodes.literal(text=flag), nodes.literal(text=default)]
            wrapped = [nodes.paragraph("", "", cell) for cell in cells]
            body += row([*wrapped, nodes.paragraph(text=words)])
        group += [head, body]
        table = nodes.table("", group, classes=["flags"])
        return [nodes.literal_block(text=f"python -m {name} --help"), table]


def row(cells: list[nodes.paragraph]) -> nodes.row:
    """Return a row of a table."""
    return nodes.row("", *[nodes.entry("", cell) for cell in cells])


def config_of(name: str) -> Any:
    """Return the dataclass of a command, such as `experiments.wgan`."""
    module = importlib.import_module(name)
    if hasattr(module, "__path__"):  # a folder
        module = importlib.import_module(f"{name}.__main__")
    return module.Config


def flags_of(config: Any) -> Iterator[tuple[str, str, str]]:
    """Return flag with its values, default, and meaning of each field."""
    types, words = get_type_hints(config), documented(config)
    for field in dataclasses.fields(config):
        flag = "--" + field.name.replace("_", "-")
        yield flag + values(types[field.name]), shown(field.default), words[field.name]


def documented(config: Any) -> dict[str, str]:
    """Return the line below each field of a dataclass and of its bases."""
    found = {}
    for kind in reversed(config.__mro__[:-1]):
        (tree,) = ast.parse(textwrap.dedent(inspect.getsource(kind))).body
        statements = tree.body if isinstance(tree, ast.ClassDef) else []
        for field, below in zip(statements, statements[1:], strict=False):
            if isinstance(field, ast.AnnAssign) and isinstance(below, ast.Expr):
                text = ast.literal_eval(below.value)
                found[ast.unparse(field.target)] = " ".join(text.split())
    return found


def values(kind: Any) -> str:
    """Return what follows a flag."""
    if kind is bool:
        return ""
    if get_origin(kind) is Literal:
        return " {" + ", ".join(get_args(kind)) + "}"
    if get_origin(kind) is tuple:
        return values(get_args(kind)[0]) + " …"
    kinds = [k for k in get_args(kind) or [kind] if k is not type(None)]
    if get_origin(kinds[0]) is not None:
        return values(kinds[0])
    return " " + kinds[0].__name__.upper().replace("STR", "TEXT")


def shown(default: Any) -> str:
    """Return a default value as one would type it."""
    if isinstance(default, tuple):
        return " ".join(map(str, default)) or "none"
    if isinstance(default, bool):
        return "on" if default else "off"
    return "none" if default is None else str(default)


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the directive."""
    app.add_directive("flags", Flags)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
