"""How the source is divided: rooms, what is public in them, who imports whom."""

import ast
import subprocess
import sys
import tomllib
import types
from pathlib import Path

import pytest

import jaxgan

ROOT = Path(__file__).parent.parent

# Each may import itself and those before it.
ORDER = [
    *("types", "errors", "pixels", "statistics", "parallel", "networks", "data"),
    *("training", "storage", "evaluation", "paths", "inversion", "minima"),
    *("autoencoders", "gan"),
]
LOADERS = ["load_classifier", "load_critic", "load_generator", "shipped"]
HEAVY = [
    *("matplotlib", "mlxtend", "orbax", "PIL", "scipy.stats", "tensorflow_datasets"),
    *("tqdm", "tyro"),
]


def modules(folder):
    """Return the syntax tree of every module below a folder, by its dotted name."""
    found = {}
    for path in sorted((ROOT / folder).rglob("*.py")):
        name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
        found[name.removesuffix(".__init__")] = ast.parse(path.read_text())
    return found


def imports(tree, known=()):
    """List the modules that a module imports, anywhere in it."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.module and not node.level, "imports are absolute"
            for alias in node.names:
                module = f"{node.module}.{alias.name}"
                yield module if module in known else node.module


def graph(trees):
    """Return which of the modules each module imports."""
    edges = {
        name: set(imports(tree, trees)) & trees.keys() for name, tree in trees.items()
    }
    assert sum(map(len, edges.values())) > len(trees)
    return edges


def circle(edges):
    """Return modules that import one another in a circle; [] if there are none."""
    left = dict(edges)
    while leaves := [name for name in left if not left[name] & left.keys()]:
        for name in leaves:
            del left[name]
    if not left:
        return []
    way = [next(iter(left))]
    while way.count(way[-1]) == 1:
        way.append(min(left[way[-1]] & left.keys()))
    return way[way.index(way[-1]) :]


JAXGAN = modules("jaxgan")
EXPERIMENTS = modules("experiments")
USERS = EXPERIMENTS | modules("benchmarks")


def test_the_front_door():
    assert jaxgan.__all__ == sorted([*ORDER, *LOADERS]) and len(jaxgan.__all__) <= 20


@pytest.mark.parametrize("room", ORDER)
def test_a_room_names_what_is_public(room):
    module = getattr(jaxgan, room)
    assert isinstance(module, types.ModuleType)
    assert module.__all__ == sorted(set(module.__all__))
    assert not [name for name in module.__all__ if not hasattr(module, name)]


def test_every_file_is_in_a_room():
    assert {name.split(".")[1] for name in JAXGAN if name != "jaxgan"} == set(ORDER)


def test_imports_point_one_way():
    def rank(name):
        return ORDER.index(name.split(".")[1])

    wrong = {
        name: sorted(other for other in others if rank(other) > rank(name))
        for name, others in graph(JAXGAN).items()
        if name != "jaxgan"
    }
    assert not {name: others for name, others in wrong.items() if others}


def test_a_circle_is_seen():
    assert circle({"a": {"b"}, "b": {"c"}, "c": {"b"}, "d": set()}) == ["b", "c", "b"]
    assert circle({"a": {"b", "c"}, "b": {"c"}, "c": set()}) == []


@pytest.mark.parametrize("trees", [JAXGAN, USERS], ids=["jaxgan", "its users"])
def test_there_is_no_circle(trees):
    assert circle(graph(trees)) == []


def test_the_library_imports_nothing_of_its_users():
    tops = {m.split(".")[0] for tree in JAXGAN.values() for m in imports(tree)}
    assert "jax" in tops and not tops & {"experiments", "benchmarks", "tests"}


def test_what_commands_share_imports_no_command():
    shared = ("experiments.running", "experiments.reporting", "experiments")
    others = {
        name: {m for m in found if not m.startswith(shared[:2]) and m != "experiments"}
        for name, found in graph(EXPERIMENTS).items()
        if name.startswith(shared[:2])
    }
    assert not {name: found for name, found in others.items() if found}


def private_uses(tree):
    """List the names of the library that a module uses and no face has."""
    meaning = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            for alias in node.names:
                meaning[alias.asname or alias.name] = f"{node.module}.{alias.name}"
        elif isinstance(node, ast.Import):
            for alias in node.names:
                first = alias.name.split(".")[0]
                meaning |= {first: first, alias.asname or alias.name: alias.name}

    def dotted(node):
        if isinstance(node, ast.Attribute):
            before = dotted(node.value)
            return before and f"{before}.{node.attr}"
        return meaning.get(node.id) if isinstance(node, ast.Name) else None

    used = {*meaning.values(), *map(dotted, ast.walk(tree))} - {None}
    ours = [name for name in used if name.split(".")[0] == "jaxgan"]
    return sorted(name for name in ours if not is_public(name))


def is_public(dotted):
    """Whether each step of `jaxgan.room.Name` is in the face of the one before."""
    thing = jaxgan
    for name in dotted.split(".")[1:]:
        if not isinstance(thing, types.ModuleType):
            return True  # an attribute of a public object
        known = getattr(thing, "__all__", None)
        if name.startswith("_") or (known is not None and name not in known):
            return False
        thing = getattr(thing, name)
    return True


@pytest.mark.parametrize(
    "source",
    [
        "from jaxgan import expand",
        "from jaxgan.paths.energy import path_energy",
        "from jaxgan.networks import piecewise",
        "import jaxgan.paths.energy",
        "import jaxgan.paths\njaxgan.paths.energy.expand",
        "import jaxgan\njaxgan.networks.piecewise.region",
        "from jaxgan import paths as p\nf(p.laplacian)",
        "from jaxgan import gan\ngan.losses._helper",
    ],
)
def test_a_use_of_what_is_private_is_seen(source):
    assert private_uses(ast.parse(source))


def test_a_use_of_what_is_public_is_not_taken_for_it():
    source = "import jaxgan\nfrom jaxgan import gan, paths as p\nimport jax\n"
    source += "jaxgan.load_generator.cache\np.minimise(jax.numpy.ones)\n"
    source += "from jaxgan.paths import minimise\ngan.losses.interpolate\n"
    assert private_uses(ast.parse(source)) == []


def test_users_need_only_what_is_public():
    used = {name: private_uses(tree) for name, tree in USERS.items()}
    assert not {name: found for name, found in used.items() if found}


def test_the_import_is_light():
    code = f"import jaxgan, sys; print([m for m in {HEAVY} if m in sys.modules])"
    command = [sys.executable, "-W", "error", "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("[]\n", "")


def test_the_packages_that_are_installed_are_those_on_disk():
    text = (ROOT / "pyproject.toml").read_text()
    packages = tomllib.loads(text)["tool"]["setuptools"]["packages"]
    rooms = [path.parent for path in sorted((ROOT / "jaxgan").glob("**/__init__.py"))]
    names = [".".join(room.relative_to(ROOT).parts) for room in rooms]
    assert sorted(packages) == sorted([*names, "jaxgan.checkpoints"])
