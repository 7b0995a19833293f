"""The search from many starts side by side, step by step, driven from the host.

After each step the points are evaluated, starts that gain nothing any more are
finished, and, if wanted, the worse half of an image's starts is given up.
"""

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from jaxgan.inversion import levenberg_marquardt as lm
from jaxgan.inversion.one_start import (
    CORNERS,
    advance,
    gains_nothing,
    measure,
    widths,
)
from jaxgan.networks import FinishedGenerator
from jaxgan.parallel.chunks import advance_in_chunks, evaluate_in_chunks

EVALUATION_CHUNK = 1024
"""Points evaluated at a time."""


class Problem(NamedTuple):
    """What all starts have in common.

    Attributes:
        generator: whose codes are searched.
        corners: widths of the generator's rounded corners in the first step and in the
            last; None: steps are taken on the generator itself.
        targets: in the generator's units.
        owners: number of the target of each start.
        prior_weight: κ of an additional ½κ‖z‖².
        chunk: starts advanced at a time.
    """

    generator: FinishedGenerator
    corners: tuple[float, float] | None
    targets: np.ndarray
    owners: np.ndarray
    prior_weight: float
    chunk: int


class Progress(NamedTuple):
    """What has been reached so far from each start.

    Attributes:
        latents: the best point, by its value.
        values: objective there; infinite where it is unknown or not finite.
        errors: mean squared error per pixel there, pixels in [0, 1].
        steps: Levenberg-Marquardt steps taken.
        finished: whether steps gain nothing any more.
        kept: False where the start was given up for better ones.
    """

    latents: np.ndarray
    values: np.ndarray
    errors: np.ndarray
    steps: np.ndarray
    finished: np.ndarray
    kept: np.ndarray


def search(
    problem: Problem,
    progress: Progress,
    max_steps: int,
    tolerance: float,
    survivors: int | None,
) -> list[Progress]:
    """Return the progress of all starts after each step.

    Args:
        problem: what to search for.
        progress: where to begin.
        max_steps: greatest number of steps.
        tolerance: without rounded corners, a start is finished when a step lowers its
            value by at most this part of it.
        survivors: number of each image's starts that are never given up; None: all.
    """
    latents = jnp.asarray(progress.latents)
    states = jax.vmap(lm.begin)(latents)
    history = []
    # Nothing is less than zero.
    progress = progress._replace(finished=progress.finished | (progress.values == 0))
    for width in widths(problem.corners or CORNERS, max_steps):
        active = progress.kept & ~progress.finished & np.isfinite(progress.values)
        if active.any():
            before = np.asarray(states.value)
            states = advance_in_chunks(
                partial(
                    _advance,
                    problem.generator,
                    jnp.asarray(problem.targets),
                    jnp.asarray(problem.prior_weight, latents.dtype),
                    jnp.asarray(width, latents.dtype) if problem.corners else None,
                ),
                states,
                problem.owners,
                active,
                chunk=problem.chunk,
            )
            progress = keep_better(problem, progress, np.asarray(states.latent))
            progress = progress._replace(steps=progress.steps + active)
            if not problem.corners:
                stuck = gains_nothing(before, np.asarray(states.value), tolerance)
                progress = progress._replace(
                    finished=progress.finished | active & stuck
                )
            if survivors is not None:
                kept = _better_half(progress, len(problem.targets), survivors)
                progress = progress._replace(kept=kept)
        history.append(progress)
    return history


def _better_half(progress: Progress, images: int, survivors: int) -> np.ndarray:
    """Return which starts are kept when each image gives up the worse half of them.

    Of starts with equal values the earlier ones are kept.
    """
    values = np.where(progress.kept, progress.values, np.inf).reshape(images, -1)
    left = progress.kept.reshape(images, -1).sum(1, keepdims=True)
    rank = values.argsort(1, kind="stable").argsort(1, kind="stable")
    better = rank < np.maximum(survivors, -(-left // 2))
    return better.reshape(-1) & progress.kept


def keep_better(problem: Problem, progress: Progress, latents: np.ndarray) -> Progress:
    """Return the progress with each best point replaced if the new one is better."""
    measure = partial(
        _evaluate,
        problem.generator,
        jnp.asarray(problem.targets),
        jnp.asarray(problem.prior_weight, latents.dtype),
    )
    values, errors = evaluate_in_chunks(
        measure, (latents, problem.owners), chunk=EVALUATION_CHUNK
    )
    better = values < progress.values  # False for NaN
    return progress._replace(
        latents=np.where(better[:, None], latents, progress.latents),
        values=np.where(better, values, progress.values),
        errors=np.where(better, errors, progress.errors),
    )


@jax.jit
def _advance(generator, targets, prior_weight, width, states, owners):
    def one(state: lm.State, owner: Array) -> lm.State:
        return advance(generator, state, targets[owner], prior_weight, width)

    return jax.vmap(one)(states, owners)


@jax.jit
def _evaluate(generator, targets, prior_weight, latents, owners):
    def one(latent: Array, owner: Array) -> tuple[Array, Array]:
        return measure(generator, latent, targets[owner], prior_weight)

    return jax.vmap(one)(latents, owners)
