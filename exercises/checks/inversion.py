"""What can be wrong with a step of Levenberg and Marquardt, and a search by it."""

from collections.abc import Callable, Iterator
from typing import TypeAlias

import jax
import jax.numpy as jnp
from jax import Array

Generate: TypeAlias = Callable[[Array], Array]
KEY = jax.random.key(0)
MATRIX = jax.random.normal(KEY, (6, 3))
CODE, TRUE = jnp.array([1.0, -2.0, 0.5]), jnp.array([-0.5, 0.3, 2.0])


def linear(code: Array) -> Array:
    """A generator whose Jacobian is the same everywhere."""
    return MATRIX @ code


def curved(code: Array) -> Array:
    """A generator whose error has several local minima, for an image of its own."""
    return jnp.concatenate([jnp.sin(3.0 * code), code / 4, jnp.cos(2.0 * code)])


def check(
    step: Callable[[Generate, Array, Array, float], Array],
    invert: Callable[[Generate, Array, Array, int], Array],
) -> Iterator[str]:
    """Yield what is wrong with the step, then with the search."""
    found = list(_step(step))
    yield from found
    if not found:
        yield from _search(invert)


def _step(step: Callable[[Generate, Array, Array, float], Array]) -> Iterator[str]:
    image = linear(TRUE)
    if not jnp.allclose(step(linear, TRUE, image, 0.1), TRUE, atol=1e-5):
        yield "A step from the exact code goes away from it. The residual is G(z) − x."
        return
    before = jnp.linalg.norm(linear(CODE) - image)
    after = jnp.linalg.norm(linear(step(linear, CODE, image, 1e-6)) - image)
    if after > before:
        yield "The error rises: the step has the wrong sign."
        return
    if after > 1e-3 * before:
        yield (
            "For a linear generator and hardly any damping one step must reach the "
            f"code, and yours leaves {after / before:.0%} of the error. The step is "
            "the solution of (JᵀJ + μI) s = −Jᵀ(G(z) − x), not the gradient alone."
        )
        return
    damping = 1e4
    moved = step(linear, CODE, image, damping) - CODE
    expected = -MATRIX.T @ (linear(CODE) - image) / damping
    if jnp.linalg.norm(moved) > 10 * jnp.linalg.norm(expected):
        yield "The damping has no effect: μ is added to the diagonal of JᵀJ."
        return
    if not jnp.allclose(moved, expected, rtol=0.02, atol=1e-7):
        yield (
            "With much damping the step must be a short one down the gradient, "
            "−Jᵀ(G(z) − x)/μ. Is μ times the identity added to JᵀJ?"
        )
        return
    start = jnp.array([0.4, -0.2])
    at = curved(jnp.array([0.3, -0.1]))
    jacobian = jax.jacobian(curved)(start)
    normal = jacobian.T @ jacobian + 0.1 * jnp.eye(2)
    best = start - jnp.linalg.solve(normal, jacobian.T @ (curved(start) - at))
    if not jnp.allclose(step(curved, start, at, 0.1), best, rtol=1e-3, atol=1e-5):
        yield (
            "For a curved generator the step is another one than for its Jacobian at "
            "z. Is J taken anew at every code?"
        )


def _search(
    invert: Callable[[Generate, Array, Array, int], Array],
) -> Iterator[str]:
    true = jnp.array([0.9, -0.6])
    image = curved(true)
    starts = jnp.array([[-2.4, 2.2], [0.8, -0.5], [2.8, -2.9]])
    for order in ([0, 1, 2], [1, 0, 2]):
        found = invert(curved, starts[jnp.array(order)], image, 30)
        if jnp.shape(found) != (2,):
            yield f"`invert` must return one code [2], not {list(jnp.shape(found))}."
            return
        if not jnp.isfinite(found).all():
            yield "`invert` returns a code that is not finite: a start ran away."
            return
        if not jnp.allclose(found, true, atol=1e-3):
            yield (
                "Of three starts one leads to the code of the image, and `invert` "
                "returns another: choose the end point with the least error, not the "
                "first or the last, nor the mean."
            )
            return
    still = invert(curved, starts[1:2], image, 0)
    if not jnp.allclose(still, starts[1], atol=1e-6):
        yield "With no steps, `invert` must return the best start itself."
