"""What the source must not contain."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FILES = [
    path
    for folder in ("jaxgan", "experiments", "benchmarks")
    for path in sorted((ROOT / folder).rglob("*.py"))
]

MODULES = {"pickle", "cPickle", "_pickle", "cloudpickle", "dill", "joblib"}
MODULES |= {"marshal", "shelve", "dbm"}
CALLS = {"eval", "exec", "compile", "__import__"}
ATTRIBUTES = {
    *("os.system", "os.popen", "yaml.load", "yaml.unsafe_load", "yaml.full_load"),
    *("torch.load", "subprocess.getoutput", "subprocess.getstatusoutput"),
    *("pandas.read_pickle", "jsonpickle.decode"),
}


def dotted(node):
    """Write `a.b.c`; only the last name if it is an attribute of something else."""
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value)}.{node.attr}".lstrip(".")
    return node.id if isinstance(node, ast.Name) else ""


def unsafe(source):
    """Name what unpickles, evaluates text, or gives it to a shell."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
            found += [name for name in names if name.split(".")[0] in MODULES]
        elif isinstance(node, ast.ImportFrom):
            module = node.module or ""
            names = [f"{module}.{alias.name}" for alias in node.names]
            found += [n for n in names if n in ATTRIBUTES or n.split(".")[0] in MODULES]
        elif isinstance(node, ast.Attribute) and dotted(node) in ATTRIBUTES:
            found.append(dotted(node))
        elif isinstance(node, ast.Call):
            if isinstance(node.func, ast.Name) and node.func.id in CALLS:
                found.append(node.func.id)
            for word in node.keywords:
                is_false = isinstance(word.value, ast.Constant) and not word.value.value
                if word.arg in ("allow_pickle", "shell") and not is_false:
                    found.append(f"{word.arg}={ast.unparse(word.value)}")
    return found


@pytest.mark.parametrize(
    "source",
    [
        "import pickle",
        "import os, pickle as p",
        "from pickle import loads",
        "from marshal import loads as read",
        "import shelve",
        "eval('1')",
        "exec(text)",
        "compile(text, name, 'exec')",
        "np.load(path, allow_pickle=True)",
        "np.load(path, allow_pickle=anything)",
        "subprocess.run('ls', shell=True)",
        "import os\nos.system('ls')",
        "f = os.popen",
        "from os import system",
        "yaml.load(text)",
        "torch.load(path)",
        "from torch import load",
    ],
)
def test_what_is_unsafe_is_seen(source):
    assert unsafe(source)


def test_what_is_safe_is_not_taken_for_it():
    source = "import json\nnp.load(path, allow_pickle=False)\n"
    source += "program = jax.jit(f).lower(x).compile()\nre.compile('a')\n"
    assert not unsafe(source)


def test_nothing_unpickles_evaluates_text_or_calls_a_shell():
    assert len(FILES) > 100
    found = {str(path.relative_to(ROOT)): unsafe(path.read_text()) for path in FILES}
    assert not {path: names for path, names in found.items() if names}


TEXT = {"read_text", "write_text", "open", "fdopen", "NamedTemporaryFile"}


def without_encoding(source):
    """Name the calls that read or write text as the user's locale says."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call):
            continue
        name = dotted(node.func).split(".")[-1]
        if name not in TEXT or dotted(node.func) in ("os.open", "Image.open"):
            continue
        modes = [a.value for a in node.args if isinstance(a, ast.Constant)]
        binary = any(isinstance(m, str) and "b" in m for m in modes)
        is_path = dotted(node.func) not in ("open", "os.fdopen") and name == "open"
        given = [word.arg for word in node.keywords]
        if not binary and "encoding" not in given and not (is_path and not modes):
            found.append(ast.unparse(node))
    return found


@pytest.mark.parametrize(
    ("source", "count"),
    [
        ("path.read_text()", 1),
        ("path.write_text(text)", 1),
        ("open(path, 'w')", 1),
        ("path.open('w')", 1),
        ("os.fdopen(1, 'w')", 1),
        ("open(path, 'rb')", 0),
        ("path.read_text(encoding='utf-8')", 0),
        ("os.open(path, flags)", 0),
        ("PILImage.open(frame)", 0),
    ],
)
def test_text_without_an_encoding_is_seen(source, count):
    assert len(without_encoding(source)) == count


def test_text_is_read_and_written_as_utf_8():
    """Whatever the locale is: in some containers it is ASCII."""
    found = {str(p.relative_to(ROOT)): without_encoding(p.read_text()) for p in FILES}
    assert not {path: calls for path, calls in found.items() if calls}


def test_arrays_are_loaded_without_pickle_explicitly():
    """NumPy's default is safe today; it was not always."""
    for path in FILES:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and dotted(node.func) == "np.load":
                assert "allow_pickle" in [word.arg for word in node.keywords], path
