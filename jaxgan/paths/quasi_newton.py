"""L-BFGS on a path, preconditioned by the model of the Hessian in `laplacian`.

Relative to that model nearly all eigenvalues of the Hessian are 1, for any number of
segments. L-BFGS learns the few others.
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Float

from jaxgan.paths.conformal import Metric
from jaxgan.paths.curves import Path
from jaxgan.paths.energy import Expansion, Weights, expand
from jaxgan.paths.laplacian import Curvature, solve_screened
from jaxgan.paths.methods import Method, State
from jaxgan.types import Scalar

MEMORY = 10
SUFFICIENT = 1e-4
"""A step must bring this part of the decrease that the slope predicts (Armijo)."""
SHORTEST = 1e-5
"""The line search gives up below this length, in units of the direction."""
CURVED = 1e-8
"""A step is remembered if its cosine with the change of the gradient is larger."""

Preconditioner = Callable[[Curvature, Weights, Path, Path], Path]
"""`precondition(curvature, weights, path, gradient)` is an approximate inverse Hessian
times the gradient, linear in it."""


class Memory(NamedTuple):
    """The inner state of L-BFGS.

    Attributes:
        expansion: energy and gradient at the best path.
        direction: direction of the step that is tried next.
        rate: length of this step in units of the direction.
        steps: the last accepted steps, the newest one last.
        changes: changes of the gradient along them.
        inverses: reciprocals of the products of both; 0 where nothing is stored yet.
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
    """Return preconditioned L-BFGS with backtracking by Armijo's condition.

    Nocedal & Wright, Numerical Optimization, algorithm 7.4. Without memory it is
    descent along the preconditioned gradient.

    Args:
        precondition: returns the initial inverse Hessian times a gradient.
        memory: number of steps remembered.
        rescale: whether to multiply the preconditioner by the factor that fits the last
            step (equation 7.20). A preconditioner of unknown scale needs it.
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
            # A direction that does not descend predicts nothing, unless it is flat.
            return State(trial, new.energy, jnp.abs(slope) / 2, slope >= 0, inner)

        def go_back() -> State:
            excess = new.energy - state.energy - now.rate * slope
            fitted = -slope * now.rate / (2 * excess)
            factor = jnp.where(jnp.isfinite(fitted), jnp.clip(fitted, 0.1, 0.5), 0.1)
            rate = now.rate * factor
            return state._replace(
                stuck=~(rate >= SHORTEST) | (slope >= 0), inner=now._replace(rate=rate)
            )

        return optax.tree.where(accepted, go_on(), go_back())

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
    return optax.tree.where(product > CURVED * length, pushed, now)


def _two_loops(kept: Memory, solve: Callable[[Path], Path], gradient: Path) -> Path:
    """Return a gradient times the inverse Hessian of L-BFGS."""
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
