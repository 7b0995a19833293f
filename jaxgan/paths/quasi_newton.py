"""L-BFGS on a path, with the Hessian's model of `jaxgan.paths.laplacian` to begin with.

In units of that model nearly all eigenvalues of the Hessian are 1, whatever the number
of segments; the few others are what L-BFGS learns.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from jaxgan.paths.conformal import Metric
from jaxgan.paths.curves import Path
from jaxgan.paths.energy import Expansion, Weights, expand
from jaxgan.paths.laplacian import Curvature, solve_screened
from jaxgan.paths.methods import Method, State
from jaxgan.types import Scalar

MEMORY = 10
SUFFICIENT = 1e-4
"""Part of the decrease that the slope promises which a step must bring (Armijo)."""
SHORTEST = 1e-5
"""Rate of a step below which the search along its direction gives up."""
CURVED = 1e-8
"""Least cosine between a step and the change of gradient for both to be kept."""

Preconditioner = Callable[[Curvature, Weights, Path, Path], Path]
"""From curvature, weights, path and a gradient to a descent step, for a linear map."""


class Memory(NamedTuple):
    """What L-BFGS remembers.

    Attributes:
        expansion: at the path.
        direction: of the step that is tried next.
        rate: its length in units of the direction.
        steps: the last ones, newest last.
        changes: of the gradient along them.
        inverses: of their products; 0 where there is none.
    """

    expansion: Expansion
    direction: Path
    rate: Scalar
    steps: Float[Array, "memory knots latent"]
    changes: Float[Array, "memory knots latent"]
    inverses: Float[Array, "memory"]


def lbfgs(
    precondition: Preconditioner = solve_screened,
    *,
    memory: int = MEMORY,
    rescale: bool = False,
    uses_curvature: bool = True,
) -> Method:
    """L-BFGS with a preconditioner as its first Hessian, and Armijo backtracking.

    Nocedal & Wright, Numerical Optimization, algorithm 7.4. Without memory it is
    descent along the preconditioned gradient.

    Args:
        precondition: the first Hessian's inverse.
        memory: steps remembered.
        rescale: multiply the preconditioner by the ratio that fits the last step
            (equation 7.20), which a preconditioner that knows no scale needs.
        uses_curvature: whether `precondition` reads the curvature. If not, none is
            computed, and it is given zeros.
    """

    def init(path: Path) -> State:
        zero = jnp.zeros((), path.dtype)
        past = jnp.zeros((memory, *path.shape), path.dtype)
        at = Expansion(zero + jnp.inf, jnp.zeros_like(path), jnp.ones_like(path[1:, 0]))
        inner = Memory(
            at,
            jnp.zeros_like(path),
            zero + 1,
            past,
            past,
            jnp.zeros_like(past[:, 0, 0]),
        )
        return State(path, at.energy, at.energy, jnp.array(False), inner)

    def step(metric: Metric, curvature: Curvature, state: State) -> State:
        now: Memory = state.inner
        move = now.rate * now.direction
        trial = state.path + move
        new = expand(metric, trial)
        slope = jnp.vdot(now.expansion.gradient, now.direction)
        wanted = state.energy + SUFFICIENT * now.rate * slope
        accepted = (new.energy <= wanted) & jnp.all(jnp.isfinite(new.gradient))

        def go_on() -> State:
            kept = _remember(now, move, new.gradient - now.expansion.gradient)

            def solve(gradient: Path) -> Path:
                step = precondition(curvature, new.weights, trial, gradient)
                if not (rescale and memory):
                    return step
                change = kept.changes[-1]
                solved = precondition(curvature, new.weights, trial, change)
                known = kept.inverses[-1] > 0
                ratio = kept.inverses[-1] * jnp.vdot(change, solved)
                return step / jnp.where(known, ratio, 1.0)

            direction = -_two_loops(kept, solve, new.gradient)
            slope = jnp.vdot(new.gradient, direction)
            inner = kept._replace(
                expansion=new, direction=direction, rate=jnp.ones_like(now.rate)
            )
            return State(trial, new.energy, -slope / 2, slope >= 0, inner)

        def go_back() -> State:
            excess = new.energy - state.energy - now.rate * slope
            fitted = -slope * now.rate / (2 * excess)
            factor = jnp.where(jnp.isfinite(fitted), jnp.clip(fitted, 0.1, 0.5), 0.1)
            rate = now.rate * factor
            return state._replace(
                stuck=~(rate >= SHORTEST) | (slope >= 0), inner=now._replace(rate=rate)
            )

        return _choose(accepted, go_on(), go_back())

    return Method(init, step, uses_curvature=uses_curvature)


def _remember(now: Memory, step: Path, change: Path) -> Memory:
    product = jnp.vdot(step, change)
    length = jnp.sqrt(jnp.vdot(step, step) * jnp.vdot(change, change))
    if not len(now.inverses):
        return now

    def push(past: Array, new: Array) -> Array:
        return jnp.concatenate([past[1:], new[None]])

    inverse = 1 / jnp.where(product > 0, product, 1.0)
    pushed = now._replace(
        steps=push(now.steps, step),
        changes=push(now.changes, change),
        inverses=push(now.inverses, inverse),
    )
    return _choose(product > CURVED * length, pushed, now)


def _two_loops(kept: Memory, solve: Callable[[Path], Path], gradient: Path) -> Path:
    """Multiply a gradient by the inverse Hessian of L-BFGS."""
    remembered = (kept.steps, kept.changes, kept.inverses)

    def down(rest: Path, pair) -> tuple[Path, Scalar]:
        step, change, inverse = pair
        share = inverse * jnp.vdot(step, rest)
        return rest - share * change, share

    def up(found: Path, pair) -> tuple[Path, None]:
        (step, change, inverse), share = pair
        return found + (share - inverse * jnp.vdot(change, found)) * step, None

    rest, shares = jax.lax.scan(down, gradient, remembered, reverse=True)
    return jax.lax.scan(up, solve(rest), (remembered, shares))[0]


def _choose(condition: Bool[Array, ""], one: Any, other: Any) -> Any:
    return jax.tree.map(lambda a, b: jnp.where(condition, a, b), one, other)
