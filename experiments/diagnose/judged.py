"""The search that is judged: Adam with some gradients, or codes that you have found."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Float

from experiments.running.errors import UsageError
from jaxgan import inversion
from jaxgan.errors import first_line
from jaxgan.networks import FinishedGenerator
from jaxgan.types import PRNGKey

Search = Callable[[PRNGKey, np.ndarray], Float[np.ndarray, "n latent"]]
"""`search(key, images)`: the best code that it finds for each image."""


class Judged(NamedTuple):
    """The search that is judged.

    Attributes:
        name: what the report calls it.
        on_targets: what it finds for the targets.
        on_own: what it finds for other images; None if it cannot be run.
        prior_weight: κ of ½κ‖z‖² in its objective, pixels in [-1, 1].
    """

    name: str
    on_targets: Search
    on_own: Search | None
    prior_weight: float


def adam(
    generator: FinishedGenerator,
    steps: int,
    starts: int,
    learning_rate: float,
    prior_weight: float,
) -> Judged:
    """Return the search by Adam, from codes that are drawn from the prior.

    Args:
        generator: whose codes are searched.
        steps: number of gradients from each start.
        starts: number of starts for each image.
        learning_rate: Adam's step size.
        prior_weight: κ of ½κ‖z‖² beside ½‖G(z) − x‖².
    """
    recipe = inversion.Recipe(
        lambda _: optax.with_extra_args_support(optax.adam(learning_rate)),
        steps,
        draw=lambda key, _: generator.draw(key),
        prior_weight=prior_weight,
    )

    def search(key: PRNGKey, images: np.ndarray) -> np.ndarray:
        found = inversion.follow_recipe(
            key, generator, recipe, jnp.asarray(images), budget=steps * starts
        )
        best = found.errors.argmin(1)
        return found.latents[np.arange(len(best)), best]

    one = "1 start" if starts == 1 else f"{starts} starts"
    name = f"Adam with {steps} gradients from {one}"
    return Judged(name, search, search, prior_weight)


def from_file(
    path: Path, generator: FinishedGenerator, count: int, prior_weight: float
) -> Judged:
    """Return a search of which only the codes are known that it found.

    Args:
        path: a `.npy` array of the shape [count, latent_dim].
        generator: whose codes they are.
        count: number of targets.
        prior_weight: κ of the objective that they were found with.

    Raises:
        UsageError: if the file holds no such array, or the images of the codes are not
            finite.
    """
    expected = (count, generator.latent_dim)
    try:
        codes = np.load(path, allow_pickle=False)
        if not isinstance(codes, np.ndarray) or codes.shape != expected:
            found = getattr(codes, "shape", type(codes).__name__)
            raise ValueError(f"expected codes of the shape {expected}, found {found}")
        if not np.issubdtype(codes.dtype, np.floating):
            raise ValueError(f"expected floating point, found {codes.dtype}")
        codes = codes.astype(np.float32)
        if not np.isfinite(np.asarray(generator.generate(jnp.asarray(codes)))).all():
            raise ValueError("a code, or its image, is not finite")
    except (OSError, ValueError, EOFError) as error:
        said = error.strerror if isinstance(error, OSError) else None
        raise UsageError(f"--codes {path}: {said or first_line(error)}") from error
    name = f"your search (its codes in {path.name})"
    return Judged(name, lambda key, targets: codes, None, prior_weight)
