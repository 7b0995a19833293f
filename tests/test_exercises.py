"""The exercises: solutions pass the checks, and known mistakes are found, in words."""

import re
import subprocess
import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import pytest

from exercises.checks import (
    echo,
    gradient_penalty,
    inversion,
    losses,
    path_energy,
    penalty_mistakes,
)
from exercises.checks.penalties import MISTAKES, right
from exercises.report import findings

ROOT = Path(__file__).parent.parent
PAGES = sorted(set((ROOT / "exercises").glob("*.md")) - {ROOT / "exercises/README.md"})
SOLUTION = re.compile(r"<summary>Solution</summary>\n\n```python\n(.*?)```", re.DOTALL)

FUNCTIONS = {
    "losses": (losses, ["discriminator_loss", "generator_loss", "critic_loss"]),
    "gradient_penalty": (gradient_penalty, ["gradient_penalty"]),
    "penalty_mistakes": (penalty_mistakes, ["looks_right"]),
    "inversion": (inversion, ["step", "invert"]),
    "path_energy": (path_energy, ["path_energy"]),
    "echo": (echo, ["echo_code", "rate"]),
}
"""The checks of each exercise, and the functions that they are given."""


def module_of(page):
    return page.stem.replace("-", "_")


def solution(page):
    """Run the folded solution of a page, and return what it defines."""
    (code,) = SOLUTION.findall(page.read_text(encoding="utf-8"))
    space = {}
    exec(compile(code, page, "exec"), space)
    return space


@pytest.fixture(autouse=True)
def as_students_do():
    """The checks run as they do in a student's own program."""
    with jax.numpy_dtype_promotion("standard"), jax.numpy_rank_promotion("allow"):
        yield


def test_every_exercise_has_a_page_a_file_and_a_check():
    assert {module_of(page) for page in PAGES} == set(FUNCTIONS)
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        assert re.search(r"\*\*Time\*\*: \d+ minutes\. \*\*Difficulty\*\*: \w+\.", text)
        assert (ROOT / "exercises" / f"{module_of(page)}.py").exists()


@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_the_solution_passes(page):
    checks, names = FUNCTIONS[module_of(page)]
    found = solution(page)
    assert findings(checks.check, *(found[name] for name in names)) == []


@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_stub_is_not_written_yet(name):
    stub = __import__(f"exercises.{name}", fromlist=["_"])
    checks, names = FUNCTIONS[name]
    found = findings(checks.check, *(getattr(stub, n) for n in names))
    assert found == ["This is not written yet."]


def test_a_check_ends_with_words_and_an_exit_code():
    command = [sys.executable, "-m", "exercises.echo"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (1, "- This is not written yet.\n")
    assert done.stderr == ""


PENALTY_WORDS = {
    "norm over the batch": "whole batch",
    "norm over the channels": "all pixels",
    "no square root": "square root is missing",
    "no square": "square is missing",
    "one-sided": "one-sided",
    "sum over the images": "sum over the images",
    "mean taken too early": "too early",
    "one ε for the batch": "one ε for the whole batch",
    "an ε for each pixel": "another ε for each pixel",
    "at the real images": "at the real images",
    "without a gradient": "stop_gradient",
    "not finite when flat": "NaN",
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_wrong_penalty_is_told_what_is_wrong(mistake):
    (words,) = findings(gradient_penalty.check, MISTAKES[mistake])
    assert PENALTY_WORDS[mistake] in words


def test_a_test_of_penalties_must_refuse_the_wrong_and_accept_the_right():
    (words,) = findings(penalty_mistakes.check, lambda penalty: True)
    assert "accepts 12 of 12" in words
    (words,) = findings(penalty_mistakes.check, lambda penalty: False)
    assert "refuses the right penalty" in words


def test_the_solution_finds_every_wrong_penalty():
    (page,) = (page for page in PAGES if page.stem == "penalty-mistakes")
    looks_right = solution(page)["looks_right"]
    assert looks_right(right)
    assert not [name for name, wrong in MISTAKES.items() if looks_right(wrong)]


def right_losses():
    (page,) = (page for page in PAGES if page.stem == "losses")
    found = solution(page)
    return {name: found[name] for name in FUNCTIONS["losses"][1]}


def sigmoid_cross_entropy(real, fake):
    """The textbook's formula, which is not finite for large logits."""
    real, fake = jax.nn.sigmoid(real), jax.nn.sigmoid(fake)
    return -jnp.mean(jnp.log(real)) - jnp.mean(jnp.log(1 - fake))


SOFTPLUS = jax.nn.softplus
WRONG_LOSSES = {
    "exchanged labels": (
        "discriminator_loss",
        lambda r, f: jnp.mean(SOFTPLUS(r)) + jnp.mean(SOFTPLUS(-f)),
        "labels",
    ),
    "half": (
        "discriminator_loss",
        lambda r, f: (jnp.mean(SOFTPLUS(-r)) + jnp.mean(SOFTPLUS(f))) / 2,
        "2 log 2",
    ),
    "a mean over all": (
        "discriminator_loss",
        lambda r, f: jnp.mean(jnp.concatenate([SOFTPLUS(-r), SOFTPLUS(f)])),
        "2 log 2",
    ),
    "hinge": (
        "discriminator_loss",
        lambda r, f: (
            jnp.log(2.0)
            * (jnp.mean(jnp.maximum(1 - r, 0)) + jnp.mean(jnp.maximum(1 + f, 0)))
        ),
        "not -mean log",
    ),
    "overflow": ("discriminator_loss", sigmoid_cross_entropy, "not finite"),
    "saturating": ("generator_loss", lambda f: -jnp.mean(SOFTPLUS(f)), "saturating"),
    "the critic's wish": (
        "generator_loss",
        lambda f: jnp.mean(SOFTPLUS(f)),
        "taken for",
    ),
    "a sum": ("generator_loss", lambda f: jnp.sum(SOFTPLUS(-f)), "mean of"),
    "sign": ("critic_loss", lambda r, f: jnp.mean(r) - jnp.mean(f), "wrong sign"),
    "logits": (
        "critic_loss",
        lambda r, f: jnp.mean(SOFTPLUS(-r)) + jnp.mean(SOFTPLUS(f)),
        "no sigmoid",
    ),
}


@pytest.mark.parametrize("mistake", WRONG_LOSSES)
def test_a_wrong_loss_is_told_what_is_wrong(mistake):
    name, wrong, expected = WRONG_LOSSES[mistake]
    found = findings(losses.check, *(right_losses() | {name: wrong}).values())
    assert len(found) == 1 and expected in found[0], found


def right_inversion():
    (page,) = (page for page in PAGES if page.stem == "inversion")
    return solution(page)


def stepping(solve, residual_sign=-1.0):
    def step(generate, code, image, damping):
        jacobian = jax.jacobian(generate)(code)
        gradient = jacobian.T @ (generate(code) - image)
        return code + residual_sign * solve(jacobian, gradient, damping)

    return step


def normal(jacobian, gradient, damping):
    return jnp.linalg.solve(
        jacobian.T @ jacobian + damping * jnp.eye(len(gradient)), gradient
    )


def undamped(jacobian, gradient, damping):
    return jnp.linalg.solve(jacobian.T @ jacobian, gradient)


def scaled(jacobian, gradient, damping):
    """Marquardt's own damping, by the diagonal, which is another step."""
    square = jacobian.T @ jacobian
    return jnp.linalg.solve(square + damping * jnp.diag(jnp.diag(square)), gradient)


def from_zero(generate, code, image, damping):
    jacobian = jax.jacobian(generate)(jnp.zeros_like(code))
    return code - normal(jacobian, jacobian.T @ (generate(code) - image), damping)


WRONG_STEPS = {
    "uphill": (stepping(normal, 1.0), "wrong sign"),
    "the gradient alone": (
        stepping(lambda j, g, damping: 0.01 * g),
        "not the gradient alone",
    ),
    "no damping": (stepping(undamped), "no effect"),
    "damping by the diagonal": (stepping(scaled), "identity"),
    "J at the origin": (from_zero, "taken anew"),
    "the image in place of the residual": (
        lambda g, z, x, mu: (
            z + normal(jax.jacobian(g)(z), jax.jacobian(g)(z).T @ x, mu)
        ),
        "exact code",
    ),
}


@pytest.mark.parametrize("mistake", WRONG_STEPS)
def test_a_wrong_step_is_told_what_is_wrong(mistake):
    wrong, expected = WRONG_STEPS[mistake]
    found = findings(inversion.check, wrong, right_inversion()["invert"])
    assert len(found) == 1 and expected in found[0], found


def test_a_wrong_choice_of_the_start_is_seen():
    good = right_inversion()

    def first(generate, starts, image, steps):
        return good["invert"](generate, starts[:1], image, steps)

    def last(generate, starts, image, steps):
        return good["invert"](generate, starts[-1:], image, steps)

    def mean(generate, starts, image, steps):
        ends = [good["invert"](generate, s[None], image, steps) for s in starts]
        return jnp.mean(jnp.stack(ends), axis=0)

    for wrong in (first, last, mean):
        (words,) = findings(inversion.check, good["step"], wrong)
        assert "the least error" in words


def segments(path):
    return path[1:] - path[:-1]


def squares(path):
    return jnp.sum(segments(path) ** 2, axis=1)


def at(points, metric, path):
    return (len(path) - 1) * jnp.sum(jax.vmap(metric)(points) * squares(path))


WRONG_ENERGIES = {
    "no N": (
        lambda m, p: jnp.sum(jax.vmap(m)((p[1:] + p[:-1]) / 2) * squares(p)),
        "factor N",
    ),
    "length": (
        lambda m, p: jnp.sum(jax.vmap(m)(p[1:]) * jnp.sqrt(squares(p))),
        "length",
    ),
    "left end": (lambda m, p: at(p[:-1], m, p), "left end"),
    "right end": (lambda m, p: at(p[1:], m, p), "right end"),
    "both ends": (
        lambda m, p: (at(p[:-1], m, p) + at(p[1:], m, p)) / 2,
        "trapezoidal",
    ),
    "one λ for all": (
        lambda m, p: at(jnp.repeat(jnp.mean(p, 0)[None], len(p) - 1, 0), m, p),
        "changes along the path",
    ),
    "half": (lambda m, p: at((p[1:] + p[:-1]) / 2, m, p) / 2, "50"),
    "a constant": (
        lambda m, p: jax.lax.stop_gradient(at((p[1:] + p[:-1]) / 2, m, p)),
        "gradient",
    ),
}


@pytest.mark.parametrize("mistake", WRONG_ENERGIES)
def test_a_wrong_energy_is_told_what_is_wrong(mistake):
    wrong, expected = WRONG_ENERGIES[mistake]
    found = findings(path_energy.check, wrong)
    assert len(found) == 1 and expected in found[0], found


def composed(locations, scales):
    code = jnp.zeros_like(locations[0])
    for location, scale in zip(locations[::-1], scales[::-1], strict=True):
        code = location + scale * code
    return code


def each_scaled(locations, scales):
    return jnp.sum(jnp.cumprod(scales, axis=0) * locations, axis=0)


def not_multiplied(locations, scales):
    return locations[0] + jnp.sum(scales[:-1] * locations[1:], axis=0)


def late(locations, scales):
    return composed(locations, jnp.roll(scales, -1, axis=0))


def entropy(scales):
    return -jnp.sum(jnp.log(scales))


WRONG_ECHOES = {
    "reversed": (lambda m, s: composed(m[::-1], s[::-1]), entropy, "reverse"),
    "locations scaled": (each_scaled, entropy, "own scale too"),
    "not multiplied": (not_multiplied, entropy, "multiplied up"),
    "one late": (late, entropy, "one image late"),
    "the image alone": (lambda m, s: m[0], entropy, "yours is 1"),
    "sign": (composed, lambda s: jnp.sum(jnp.log(s)), "wrong sign"),
    "mean": (composed, lambda s: -jnp.mean(jnp.log(s)), "not their mean"),
    "bits": (composed, lambda s: -jnp.sum(jnp.log2(s)), "bits"),
    "no logarithm": (composed, lambda s: jnp.prod(s), "2.079"),
}


@pytest.mark.parametrize("mistake", WRONG_ECHOES)
def test_a_wrong_echo_is_told_what_is_wrong(mistake):
    code, rate, expected = WRONG_ECHOES[mistake]
    found = findings(echo.check, code, rate)
    assert len(found) == 1 and expected in found[0], found
