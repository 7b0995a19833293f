"""The codes of images: min over z of ½‖G(z) − x‖², from many starts for many images.

Each start goes its own way by Levenberg-Marquardt steps; all that are still going are
one batch of one compiled program, and starts that are finished leave it.
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Bool, Float, Int

from jaxgan.inversion.search import Ends, Problem, look, search
from jaxgan.inversion.starts import starts_for
from jaxgan.networks.rounded import Rounded
from jaxgan.types import Examples, Latents, PRNGKey

SINGLE_TOLERANCE = 1e-4
DOUBLE_TOLERANCE = 1e-10


class Inversion(NamedTuple):
    """What was found from every start of every image.

    Attributes:
        latents: the best point of each start, in double precision.
        errors: mean squared error per pixel there, pixels in [0, 1]; infinite for a
            start where nothing was finite.
        finished: whether the start ended because steps gained nothing any more; False
            where it was given up for better starts, or the steps ran out.
        kept: False where the start was given up for better ones.
        history: errors of the best points so far, before the first round and after
            each.
        steps: Levenberg-Marquardt steps taken until then.
    """

    latents: Float[np.ndarray, "images starts latent"]
    errors: Float[np.ndarray, "images starts"]
    finished: Bool[np.ndarray, "images starts"]
    kept: Bool[np.ndarray, "images starts"]
    history: Float[np.ndarray, "rounds images starts"]
    steps: Int[np.ndarray, "rounds images starts"]

    def best(self) -> Float[np.ndarray, "images latent"]:
        """Give the code with the least error for each image."""
        chosen = self.errors.argmin(1)
        return self.latents[np.arange(len(chosen)), chosen]


def invert(
    generate: Callable[[Latents], Examples],
    key: PRNGKey,
    targets: Examples,
    *,
    latent_dim: int,
    num_starts: int,
    rounded: Rounded | None = None,
    survivors: int | None = None,
    bank_size: int = 10_000,
    prior_weight: float = 0.0,
    max_steps: int = 40,
    double_steps: int = 20,
    chunk: int = 256,
    first_image: int = 0,
) -> Inversion:
    """Find codes of images.

    What is found depends on key, number of the image and number of the start only
    (beyond rounding): not on the other images, nor on `chunk`.

    Args:
        generate: from latents to images, a pure function that computes in the
            precision of its latents.
        key: of the starts.
        targets: in the networks' units.
        latent_dim: number of latent dimensions.
        num_starts: for each image. Half of them are the codes of nearest samples.
        rounded: the generator with its corners rounded. Steps in single precision
            then descend it while it sharpens, and end several times lower.
        survivors: give up the worse half of an image's starts after every round,
            until so many are left; None: every start goes on to its end.
        bank_size: samples to choose nearest ones from; 0: all starts from the prior.
        prior_weight: κ of an additional ½κ‖z‖²: the variance of Gaussian pixel noise,
            in the networks' units, makes the minimum the most probable code.
        max_steps: most steps in single precision, in rounds of five.
        double_steps: most steps in double precision, after these.
        chunk: starts advanced at a time; bounds the memory.
        first_image: number of the first of the targets.

    Raises:
        ValueError: if a number is out of range, or `generate` does not compute in
            double precision for latents in double precision.
    """
    if num_starts < 1:
        raise ValueError(f"num_starts must be ≥ 1, got {num_starts}")
    starts = starts_for(
        generate,
        key,
        targets,
        latent_dim=latent_dim,
        num_starts=num_starts,
        bank_size=bank_size,
        first_image=first_image,
    )
    return invert_from(
        generate,
        np.asarray(starts),
        targets,
        rounded=rounded,
        survivors=survivors,
        prior_weight=prior_weight,
        max_steps=max_steps,
        double_steps=double_steps,
        chunk=chunk,
    )


def invert_from(
    generate: Callable[[Latents], Examples],
    starts: Float[np.ndarray, "images starts latent"],
    targets: Examples | Float[np.ndarray, "images ..."],
    *,
    rounded: Rounded | None = None,
    survivors: int | None = None,
    prior_weight: float = 0.0,
    max_steps: int = 40,
    double_steps: int = 20,
    chunk: int = 256,
) -> Inversion:
    """Find codes of images from given starts, taken in single precision.

    Everything else is as in `invert`.

    Raises:
        ValueError: as `invert` does.
    """
    num_starts = starts.shape[1]
    if num_starts < 1 or not 1 <= (survivors or 1) <= num_starts:
        raise ValueError(
            f"survivors must be in 1…num_starts, got {survivors} of {num_starts}"
        )
    if prior_weight < 0:
        raise ValueError(f"prior_weight must be ≥ 0, got {prior_weight}")
    latents = starts.reshape(-1, starts.shape[2]).astype(np.float32)
    count = len(latents)
    problem = Problem(
        generate,
        rounded,
        np.asarray(targets),
        np.repeat(np.arange(len(targets)), num_starts),
        float(prior_weight),
        chunk,
    )
    ends = Ends(
        latents,
        np.full(count, np.inf),
        np.full(count, np.inf),
        np.zeros(count, int),
        np.zeros(count, bool),
        np.ones(count, bool),
    )
    past = [look(problem, ends, latents)]
    past += search(problem, past[-1], max_steps, SINGLE_TOLERANCE, survivors)
    with jax.enable_x64(True):
        exact = problem._replace(rounded=None, targets=np.asarray(targets, np.float64))
        latents = past[-1].latents.astype(np.float64)
        if generate(jnp.asarray(latents[:1])).dtype != jnp.float64:
            raise ValueError("generate must compute in the precision of its latents")
        again = past[-1]._replace(
            values=np.full(count, np.inf), finished=np.zeros(count, bool)
        )
        again = look(exact, again, latents)
        past += search(exact, again, double_steps, DOUBLE_TOLERANCE, None)
    shape, last = (len(targets), num_starts), past[-1]
    return Inversion(
        last.latents.reshape(*shape, -1),
        last.errors.reshape(shape),
        (last.finished & last.alive & np.isfinite(last.values)).reshape(shape),
        last.alive.reshape(shape),
        np.stack([e.errors.reshape(shape) for e in past]),
        np.stack([e.steps.reshape(shape) for e in past]),
    )
