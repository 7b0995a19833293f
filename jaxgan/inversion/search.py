"""All starts of all images side by side, from round to round of their steps."""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from jaxgan.inversion import levenberg_marquardt as lm
from jaxgan.networks.rounded import Rounded
from jaxgan.parallel.chunks import advance_in_chunks, evaluate_in_chunks
from jaxgan.types import Examples, Latents

STEPS_PER_ROUND = 5
"""Steps between two looks at what was reached."""
LOOKED_AT = 1024
"""Points evaluated at a time."""
WIDTHS = (1.0, 0.01)
"""Of rounded corners, in the first round and in the last."""


class Problem(NamedTuple):
    """What is the same for all starts; `owners` are the numbers of their targets."""

    generate: Callable[[Latents], Examples]
    rounded: Rounded | None
    targets: np.ndarray
    owners: np.ndarray
    prior_weight: float
    chunk: int


class Ends(NamedTuple):
    """The best points so far, by the objective `values`."""

    latents: np.ndarray
    values: np.ndarray
    errors: np.ndarray
    steps: np.ndarray
    finished: np.ndarray
    alive: np.ndarray


def search(
    problem: Problem,
    ends: Ends,
    max_steps: int,
    tolerance: float,
    survivors: int | None,
) -> list[Ends]:
    """Advance all starts round by round, and say where they were after each."""
    rounds = -(-max_steps // STEPS_PER_ROUND)
    latents = jnp.asarray(ends.latents)
    states = jax.vmap(lm.begin)(latents)
    past = []
    for width in np.geomspace(*WIDTHS, rounds):
        active = ends.alive & ~ends.finished & np.isfinite(ends.values)
        if active.any():
            before = np.asarray(states.value)
            states = advance_in_chunks(
                partial(
                    _advance,
                    problem.generate,
                    problem.rounded,
                    jnp.asarray(problem.targets),
                    jnp.asarray(problem.prior_weight, latents.dtype),
                    jnp.asarray(width, latents.dtype),
                ),
                states,
                problem.owners,
                active,
                chunk=problem.chunk,
            )
            ends = look(problem, ends, np.asarray(states.latent))
            ends = ends._replace(steps=ends.steps + STEPS_PER_ROUND * active)
            if problem.rounded is None:
                stuck = np.asarray(states.value) > (1 - tolerance) * before
                ends = ends._replace(finished=ends.finished | active & stuck)
            if survivors is not None:
                ends = ends._replace(alive=_better_half(ends, problem, survivors))
        past.append(ends)
    return past


def _better_half(ends: Ends, problem: Problem, survivors: int) -> np.ndarray:
    """Give up the worse half of the starts of every image; ties by start number."""
    images = len(problem.targets)
    values = np.where(ends.alive, ends.values, np.inf).reshape(images, -1)
    left = ends.alive.reshape(images, -1).sum(1, keepdims=True)
    rank = values.argsort(1, kind="stable").argsort(1, kind="stable")
    return (rank < np.maximum(survivors, -(-left // 2))).reshape(-1) & ends.alive


def look(problem: Problem, ends: Ends, latents: np.ndarray) -> Ends:
    """Keep the better of two points of each start."""
    measure = partial(
        _evaluate,
        problem.generate,
        jnp.asarray(problem.targets),
        jnp.asarray(problem.prior_weight, latents.dtype),
    )
    values, errors = evaluate_in_chunks(
        measure, (latents, problem.owners), chunk=LOOKED_AT
    )
    better = values < ends.values  # False for NaN
    return ends._replace(
        latents=np.where(better[:, None], latents, ends.latents),
        values=np.where(better, values, ends.values),
        errors=np.where(better, errors, ends.errors),
    )


# Static functions: whoever calls again with the same ones compiles nothing.
@partial(jax.jit, static_argnums=(0, 1))
def _advance(generate, rounded, targets, prior_weight, width, states, owners):
    def one(state: lm.State, owner: Array) -> lm.State:
        def current(latents: Latents) -> Array:
            return generate(latents) if rounded is None else rounded(latents, width)

        target = targets[owner]
        return jax.lax.fori_loop(
            0,
            STEPS_PER_ROUND,
            lambda _, s: lm.step(current, s, target, prior_weight),
            lm.evaluate(current, state, target, prior_weight),
        )

    return jax.vmap(one)(states, owners)


@partial(jax.jit, static_argnums=0)
def _evaluate(generate, targets, prior_weight, latents, owners):
    def one(latent: Array, owner: Array) -> tuple[Array, Array]:
        gap = generate(latent[None]).reshape(-1) - targets[owner].reshape(-1)
        square, length = jnp.sum(gap * gap), jnp.sum(latent * latent)
        return 0.5 * (square + prior_weight * length), square / (4 * gap.size)

    return jax.vmap(one)(latents, owners)
