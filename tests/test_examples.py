"""The examples in public docstrings run as they stand, each on its own."""

import doctest
import types

import jax
import pytest

import jaxgan


def doc(thing):
    return getattr(thing, "__doc__", None) or ""


def documented():
    """Find every public docstring with an example, and a name for it."""
    rooms = {name: getattr(jaxgan, name) for name in jaxgan.__all__}
    found = {"jaxgan": jaxgan, **rooms}
    for room, module in rooms.items():
        if isinstance(module, types.ModuleType):
            names = {name: getattr(module, name) for name in module.__all__}
            found |= {f"{room}.{name}": thing for name, thing in names.items()}
    texts = {doc(thing): name for name, thing in reversed(found.items())}
    return {name: text for text, name in texts.items() if ">>>" in text}


EXAMPLES = documented()


def test_every_name_at_the_front_door_has_an_example():
    assert EXAMPLES.keys() >= {"jaxgan", *jaxgan.__all__}


@pytest.mark.slow
@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_runs(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # an example may write a file
    parser, output = doctest.DocTestParser(), []
    example = parser.get_doctest(EXAMPLES[name], {}, name, None, None)
    with jax.numpy_dtype_promotion("standard"):  # for optax's bias correction
        doctest.DocTestRunner().run(example, out=output.append)
    assert not output, "".join(output)
