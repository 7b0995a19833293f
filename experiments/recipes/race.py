"""Every recipe on every image, at equal budgets, each part kept on disk."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from experiments.running import costs, jobs
from experiments.running.interruption import stop_requested
from experiments.running.parts import kept
from jaxgan import inversion, networks
from jaxgan.storage import TrainedGenerator
from jaxgan.types import PRNGKey

OURS = "jaxgan"
SHARES = (0.1, 0.2, 0.5, 1.0)
"""Of the budget, that ours gets."""
ONE_START = 120
"""With fewer steps than this to spend, one start gets all of them."""
PART = 100


class Followed(NamedTuple):
    """What a recipe reached.

    Attributes:
        errors: of the best start of each image; mean squared error per pixel, pixels
            in [0, 1].
        gradients: for each image.
        starts: for each image.
    """

    errors: Float[np.ndarray, "images"]
    gradients: float
    starts: int


Recipe = Callable[[Float[np.ndarray, "n 28 28 1"], int], Followed]
"""From some targets, and the number of the first, to what was reached."""


def recipes(
    generator: TrainedGenerator, key: PRNGKey, budget: int
) -> dict[str, Recipe]:
    """List the published recipes, then ours with parts of the budget."""
    cost = costs.in_gradients(generator).search
    rounded = networks.rounded_generator(generator.params)

    def published(recipe: inversion.Recipe) -> Recipe:
        def follow(targets: np.ndarray, first: int) -> Followed:
            found = inversion.follow_recipe(
                recipe,
                generator.generate,
                key,
                jnp.asarray(targets),
                latent_dim=generator.latent_dim,
                budget=budget,
                first_image=first,
            )
            return Followed(found.errors.min(1), found.gradients, found.errors.shape[1])

        return follow

    def ours(share: float) -> Recipe:
        starts, survivors, steps = plan(int(share * budget / cost))

        def find(targets: np.ndarray, first: int) -> Followed:
            found = inversion.invert(
                generator.generate,
                key,
                jnp.asarray(targets),
                latent_dim=generator.latent_dim,
                num_starts=starts,
                rounded=rounded,
                survivors=survivors,
                max_steps=steps,
                double_steps=0,
                first_image=first,
            )
            spent = cost * found.steps[-1].sum(1).mean()
            return Followed(found.errors.min(1), float(spent), starts)

        return find

    every = {name: published(recipe) for name, recipe in inversion.RECIPES.items()}
    return every | {f"{OURS} {share:.0%}": ours(share) for share in SHARES}


def plan(steps: int) -> tuple[int, int, int]:
    """Spend so many steps: starts, survivors among them, and steps of these."""
    if steps < ONE_START:
        return (
            1,
            1,
            max(steps // inversion.STEPS_PER_ROUND, 1) * inversion.STEPS_PER_ROUND,
        )
    # Two of four starts end after the first round.
    return (
        4,
        2,
        (steps // 2 - inversion.STEPS_PER_ROUND)
        // inversion.STEPS_PER_ROUND
        * inversion.STEPS_PER_ROUND,
    )


def follow_all(
    out: Path,
    generator: TrainedGenerator,
    key: PRNGKey,
    targets: Float[np.ndarray, "n 28 28 1"],
    budget: int,
) -> dict[str, Followed]:
    """Follow all recipes; parts that are on disk are not computed again.

    Raises:
        Interrupted: after a signal; the parts that are done are kept.
    """
    folder = out / "parts"
    folder.mkdir(exist_ok=True)
    every = recipes(generator, key, budget)
    firsts = range(0, len(targets), PART)

    def job(name: str, first: int) -> jobs.Job[Followed]:
        some = targets[first : first + PART]
        path = folder / f"{name.replace(' ', '-').strip('%')}-{first:06d}.npz"
        follow = partial(every[name], some, first)
        return jobs.Job(name, len(some), lambda: kept(path, Followed, follow))

    with stop_requested() as stopping:
        parts = jobs.run(
            [job(name, first) for name in every for first in firsts], "image", stopping
        )
    return {
        name: _joined(parts[place * len(firsts) : (place + 1) * len(firsts)])
        for place, name in enumerate(every)
    }


def _joined(parts: list[Followed]) -> Followed:
    sizes = [len(part.errors) for part in parts]
    return Followed(
        np.concatenate([part.errors for part in parts]),
        float(np.average([part.gradients for part in parts], weights=sizes)),
        int(parts[0].starts),
    )
