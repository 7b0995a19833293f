"""Find codes and local minima of many images in parts, each of them kept on disk."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, Int

from experiments.running import costs, jobs
from experiments.running.errors import NonFiniteError
from experiments.running.interruption import stop_requested
from experiments.running.parts import kept
from jaxgan import inversion, minima
from jaxgan.networks import FinishedGenerator
from jaxgan.types import PRNGKey

UNKNOWN = -1
"""Status of a start that was given up."""


class FoundCodes(NamedTuple):
    """The codes that were found from every start of every image.

    Attributes:
        latents: the code in which each start ended.
        errors: mean squared error per pixel of its image, pixels in [0, 1].
        statuses: index of its status in `jaxgan.minima.STATUSES`, or `UNKNOWN`.
        held: number of facets that it lies on: kinks of the generator.
        history: after each step, the least error that each start has reached.
        gradients: cost of each image until then, in gradients, mean over images.
        gradients_per_image: cost of each image in all, mean over images.
    """

    latents: Float[np.ndarray, "n starts latent"]
    errors: Float[np.ndarray, "n starts"]
    statuses: Int[np.ndarray, "n starts"]
    held: Int[np.ndarray, "n starts"]
    history: Float[np.ndarray, "steps n starts"]
    gradients: Float[np.ndarray, "steps"]
    gradients_per_image: np.ndarray


class SearchPlan(NamedTuple):
    """How codes are searched.

    Attributes:
        key: random key of the starts.
        num_starts: number of starts for each image.
        survivors: number of them that are followed to the end; None: all.
        max_steps: number of steps of the search, each at sharper corners.
        prior_weight: κ of ½κ‖z‖² beside ½‖G(z) − x‖², pixels in [-1, 1].
        part: number of images in a part, which are searched together.
    """

    key: PRNGKey
    num_starts: int
    survivors: int | None
    max_steps: int
    prior_weight: float
    part: int


def find_all(
    out: Path,
    generator: FinishedGenerator,
    targets: Float[np.ndarray, "n height width channels"],
    plan: SearchPlan,
) -> FoundCodes:
    """Return the codes of all targets; parts that are on disk are read.

    Raises:
        Interrupted: after a signal; finished parts are on disk.
        NonFiniteError: if no start of an image ends finite.
    """
    folder = out / "parts"
    folder.mkdir(exist_ok=True)
    find = partial(
        find_part,
        generator,
        costs.in_gradients(generator),
    )

    def job(first: int) -> jobs.Job[FoundCodes]:
        some = targets[first : first + plan.part]
        return jobs.Job(
            f"from image {first}",
            len(some),
            lambda: kept(
                folder / f"{first:06d}.npz",
                FoundCodes,
                partial(find, some, first, plan),
            ),
        )

    every = [job(first) for first in range(0, len(targets), plan.part)]
    with stop_requested() as stopping:
        parts = jobs.run(every, "image", stopping, out)
    return _joined(parts)


def find_part(
    generator: FinishedGenerator,
    cost: costs.Costs,
    targets: Float[np.ndarray, "n height width channels"],
    first: int,
    plan: SearchPlan,
) -> FoundCodes:
    """Return the codes of some targets; those not given up are settled in a minimum.

    Args:
        generator: the generator to invert.
        cost: cost of each kind of step.
        targets: images of one part.
        first: number of its first image.
        plan: how to search.

    Raises:
        NonFiniteError: if no start of an image ends finite.
    """
    found = inversion.invert_many(
        plan.key,
        generator,
        jnp.asarray(targets),
        num_starts=plan.num_starts,
        survivors=plan.survivors,
        max_steps=plan.max_steps,
        prior_weight=plan.prior_weight,
        double_steps=0,
        first_image=first,
    )
    left = found.kept & np.isfinite(found.errors)
    for number in np.nonzero(~left.any(1))[0]:
        raise NonFiniteError(f"no start of image {first + number} ends finite")
    settled = minima.settle_many(
        generator,
        found.latents[left],
        targets,
        np.nonzero(left)[0],
        prior_weight=plan.prior_weight,
    )
    latents, errors = found.latents.astype(np.float64), found.errors.copy()
    statuses = np.full(errors.shape, UNKNOWN, np.int8)
    held = np.zeros(errors.shape, np.int16)
    latents[left], errors[left] = settled.latents, settled.errors
    statuses[left] = settled.certificates.status
    held[left] = settled.certificates.num_held

    searching = cost.search * found.steps.sum(2).mean(1)
    single, double, on_facets = settled.steps.sum(1)
    settling_cost = cost.newton * single + costs.DOUBLE * (
        cost.newton * double + cost.on_facets * on_facets
    )
    return FoundCodes(
        latents,
        errors,
        statuses,
        held,
        found.history.astype(np.float32),
        searching,
        searching[-1] + settling_cost / len(targets),
    )


def _joined(parts: Sequence[FoundCodes]) -> FoundCodes:
    sizes = np.array([len(part.errors) for part in parts], float)

    def mean(name: str) -> np.ndarray:
        several = [getattr(part, name) for part in parts]
        return np.asarray(np.average(several, 0, weights=sizes))

    def all_(name: str, axis: int = 0) -> np.ndarray:
        return np.concatenate([getattr(p, name) for p in parts], axis)

    return FoundCodes(
        all_("latents"),
        all_("errors"),
        all_("statuses"),
        all_("held"),
        all_("history", 1),
        mean("gradients"),
        mean("gradients_per_image"),
    )
