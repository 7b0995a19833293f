"""Run every recipe on every image, at equal cost, in parts that are kept on disk."""

import re
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
from jaxgan import inversion
from jaxgan.networks import FinishedGenerator
from jaxgan.types import PRNGKey

OURS = "jaxgan"
"""Name of our own recipe, `jaxgan.inversion.invert_many`."""
SHARES = (0.03, 0.1, 0.3, 1.0)
"""Shares of the budget that it is run with."""
SHARES_SHORT = (0.03, 0.1)
"""Those with codes about as long as the prior's; more of it lowers no error then."""
SHORT = 0.05
"""κ with which our codes are about as long as most codes of the prior."""
WITH_SHORT = f", κ = {SHORT}"
"""How the names of those end."""
ONE_START = 24
"""Steps below which our recipe has one start, in place of four."""
PART = 100
"""Number of images in a part."""


class RecipeResult(NamedTuple):
    """What a recipe reached, and at what cost.

    Attributes:
        errors: mean squared error per pixel of the best start of each image, pixels in
            [0, 1].
        norms: norm of its code.
        gradients: cost of each image, in gradients.
        starts: number of starts for each image.
    """

    errors: Float[np.ndarray, "images"]
    norms: Float[np.ndarray, "images"]
    gradients: float
    starts: int


RunRecipe = Callable[[Float[np.ndarray, "n 28 28 1"], int], RecipeResult]
"""`run(targets, first)` finds codes of images whose first has the number `first`."""


def recipes(
    generator: FinishedGenerator, key: PRNGKey, budget: int
) -> dict[str, RunRecipe]:
    """Return the published recipes, then ours with shares of the budget, by name.

    Ours is there twice: without a weight of the prior, and with `SHORT`, for codes as
    long as those of recipes that hold them in the prior.
    """
    cost = costs.in_gradients(generator).search

    def published(recipe: inversion.Recipe) -> RunRecipe:
        def run(targets: np.ndarray, first: int) -> RecipeResult:
            found = inversion.follow_recipe(
                key,
                generator,
                recipe,
                jnp.asarray(targets),
                budget=budget,
                first_image=first,
            )
            errors, norms = best(found.errors, found.latents)
            return RecipeResult(errors, norms, found.gradients, found.errors.shape[1])

        return run

    def ours(share: float, prior_weight: float) -> RunRecipe:
        starts, survivors, steps = plan(int(share * budget / cost))

        def run(targets: np.ndarray, first: int) -> RecipeResult:
            found = inversion.invert_many(
                key,
                generator,
                jnp.asarray(targets),
                num_starts=starts,
                prior_weight=prior_weight,
                survivors=survivors,
                max_steps=steps,
                double_steps=0,
                first_image=first,
            )
            spent = cost * found.steps[-1].sum(1).mean()
            return RecipeResult(
                *best(found.errors, found.latents), float(spent), starts
            )

        return run

    every = {name: published(recipe) for name, recipe in inversion.RECIPES.items()}
    for share in SHARES:
        every[f"{OURS} {share:.0%}"] = ours(share, 0.0)
    for share in SHARES_SHORT:
        every[f"{OURS} {share:.0%}{WITH_SHORT}"] = ours(share, SHORT)
    return every


def best(
    errors: Float[np.ndarray, "images starts"],
    latents: Float[np.ndarray, "images starts latent"],
) -> tuple[Float[np.ndarray, "images"], Float[np.ndarray, "images"]]:
    """Return the error of each image's best start, and the norm of its code."""
    every = np.arange(len(errors))
    start = errors.argmin(1)
    return errors[every, start], np.linalg.norm(latents[every, start], axis=1)


def plan(steps: int) -> tuple[int, int, int]:
    """Divide the steps that an image may take among its starts.

    Returns:
        The number of starts, the number of them that survive the first step, and the
        number of steps of each survivor.
    """
    if steps < ONE_START:
        return 1, 1, max(steps, 1)
    # Two of the four starts end after the first step.
    return 4, 2, steps // 2 - 1


def run_all(
    out: Path,
    generator: FinishedGenerator,
    key: PRNGKey,
    targets: Float[np.ndarray, "n 28 28 1"],
    budget: int,
) -> dict[str, RecipeResult]:
    """Return the results of all recipes; parts that are on disk are read.

    Raises:
        Interrupted: after a signal; finished parts are on disk.
    """
    folder = out / "parts"
    folder.mkdir(exist_ok=True)
    every = recipes(generator, key, budget)
    firsts = range(0, len(targets), PART)

    def job(name: str, first: int) -> jobs.Job[RecipeResult]:
        some = targets[first : first + PART]
        words = "-".join(re.findall(r"[\w.]+", name.replace("κ", "kappa")))
        path = folder / f"{words}-{first:06d}.npz"
        run = partial(every[name], some, first)
        return jobs.Job(name, len(some), lambda: kept(path, RecipeResult, run))

    pairs = [(name, first) for name in every for first in firsts]
    with stop_requested() as stopping:
        parts = jobs.run([job(*pair) for pair in pairs], "image", stopping, out)
    named = [(name, part) for (name, _), part in zip(pairs, parts, strict=True)]
    return {name: _joined([part for n, part in named if n == name]) for name in every}


def _joined(parts: list[RecipeResult]) -> RecipeResult:
    sizes = [len(part.errors) for part in parts]
    return RecipeResult(
        np.concatenate([part.errors for part in parts]),
        np.concatenate([part.norms for part in parts]),
        float(np.average([part.gradients for part in parts], weights=sizes)),
        int(parts[0].starts),
    )
