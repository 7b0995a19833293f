"""Codes of many images, driven from the host: chunk by chunk, on all devices.

Levenberg-Marquardt steps are taken from each start independently. All starts that are
not finished form the batch of one compiled program.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Bool, Float, Int

from jaxgan.inversion.one_start import (
    CORNERS,
    DOUBLE_TOLERANCE,
    SINGLE_TOLERANCE,
    require_corners,
    require_precision,
)
from jaxgan.inversion.search import Problem, Progress, keep_better, search
from jaxgan.inversion.starts import starts_for
from jaxgan.networks import FinishedGenerator, arguments
from jaxgan.types import Examples, PRNGKey


class Inversion(NamedTuple):
    """What was found from every start of every image.

    Attributes:
        latents: the best point found from each start, in double precision.
        errors: mean squared error per pixel there, for pixels in [0, 1]; infinite for a
            start where nothing was finite.
        finished: whether the search ended because steps gained nothing any more; False
            where the start was given up for better ones, or the steps ran out.
        kept: False where the start was given up for better ones.
        history: errors of the best points so far, before the first step and after each.
        steps: number of Levenberg-Marquardt steps taken by then.
    """

    latents: Float[np.ndarray, "images starts latent"]
    errors: Float[np.ndarray, "images starts"]
    finished: Bool[np.ndarray, "images starts"]
    kept: Bool[np.ndarray, "images starts"]
    history: Float[np.ndarray, "steps images starts"]
    steps: Int[np.ndarray, "steps images starts"]

    def best(self) -> Float[np.ndarray, "images latent"]:
        """Return the code with the least error for each image."""
        chosen = self.errors.argmin(1)
        return self.latents[np.arange(len(chosen)), chosen]


def invert_many(
    key: PRNGKey,
    generator: FinishedGenerator,
    targets: Examples,
    *,
    num_starts: int,
    survivors: int | None = None,
    bank_size: int = 10_000,
    prior_weight: float = 0.0,
    corners: tuple[float, float] | None = CORNERS,
    max_steps: int = 8,
    double_steps: int = 20,
    chunk: int = 64,
    first_image: int = 0,
) -> Inversion:
    """Return codes of images: local minima of ½‖G(z) − x‖² + ½κ‖z‖² from many starts.

    Apart from rounding, what is found for an image depends only on the key, the number
    of the image and the number of each start: not on the other images, nor on `chunk`.

    Args:
        key: of the starts.
        generator: whose codes are wanted. If it declares its kinks, steps in single
            precision are taken on it with rounded corners, which sharpen: they reach
            errors several times lower.
        targets: images in the generator's units.
        num_starts: starts of each image. Half of them are the codes of those samples of
            the prior whose images are nearest to it, the others are drawn.
        survivors: after every step the worse half of an image's starts is given up,
            until this many are left; None: no start is given up.
        bank_size: number of samples to choose the nearest ones from; 0: all starts are
            drawn from the prior.
        prior_weight: κ ≥ 0. The variance of Gaussian pixel noise, in the generator's
            units, makes the minimum the most probable code.
        corners: widths of the rounded corners of the generator in the first and in the
            last step in single precision, in units of the inputs of its leaky ReLUs;
            None: steps are taken on the generator as it is, as always if it does not
            declare its kinks.
        max_steps: greatest number of steps in single precision, each with one Jacobian
            and `levenberg_marquardt.CORRECTIONS` gradients more.
        double_steps: greatest number of steps in double precision, after these.
        chunk: starts advanced at a time; bounds the memory.
        first_image: number of the first target, for the key.

    Raises:
        ValueError: if `num_starts`, `survivors`, `prior_weight` or `corners` is out of
            range, the targets are not images of the generator's shape and range, or it
            does not compute in double precision for latents in double precision.
    """
    if num_starts < 1:
        raise ValueError(f"num_starts must be ≥ 1, got {num_starts}")
    targets = jnp.asarray(arguments.images("targets", targets, generator, "images"))
    starts = starts_for(
        key,
        generator,
        targets,
        num_starts=num_starts,
        bank_size=bank_size,
        first_image=first_image,
    )
    return search_from(
        generator,
        np.asarray(starts),
        targets,
        corners=corners,
        survivors=survivors,
        prior_weight=prior_weight,
        max_steps=max_steps,
        double_steps=double_steps,
        chunk=chunk,
    )


def invert_from(
    generator: FinishedGenerator,
    starts: Float[np.ndarray, "images starts latent"],
    targets: Examples | Float[np.ndarray, "images ..."],
    *,
    survivors: int | None = None,
    prior_weight: float = 0.0,
    corners: tuple[float, float] | None = CORNERS,
    max_steps: int = 8,
    double_steps: int = 20,
    chunk: int = 64,
) -> Inversion:
    """Return codes of images from given starts, which are rounded to single precision.

    The arguments and the errors raised are otherwise those of `invert_many`.
    """
    targets = arguments.images("targets", targets, generator, "images")
    if np.ndim(starts) == 3 and not np.shape(starts)[1]:
        raise ValueError("num_starts must be ≥ 1, got 0")
    starts = np.asarray(
        arguments.codes("starts", starts, generator, "images", "starts")
    )
    if len(starts) != len(targets):
        raise ValueError(f"expected starts of {len(targets)} images, got {len(starts)}")
    return search_from(
        generator,
        starts,
        targets,
        corners=corners,
        survivors=survivors,
        prior_weight=prior_weight,
        max_steps=max_steps,
        double_steps=double_steps,
        chunk=chunk,
    )


def search_from(
    generator: FinishedGenerator,
    starts: Float[np.ndarray, "images starts latent"],
    targets: Examples | Float[np.ndarray, "images ..."],
    *,
    corners: tuple[float, float] | None,
    survivors: int | None = None,
    prior_weight: float = 0.0,
    max_steps: int = 8,
    double_steps: int = 20,
    chunk: int = 64,
) -> Inversion:
    """Do what `invert_from` does."""
    num_starts = starts.shape[1]
    if survivors is not None and not 1 <= survivors <= num_starts:
        raise ValueError(
            f"survivors must be in 1…num_starts, got {survivors} of {num_starts}"
        )
    arguments.require_weight("prior_weight", prior_weight)
    require_corners(corners)
    latents = starts.reshape(-1, starts.shape[2]).astype(np.float32)
    count = len(latents)
    problem = Problem(
        generator,
        corners if generator.network.slope is not None else None,
        np.asarray(targets),
        np.repeat(np.arange(len(targets)), num_starts),
        float(prior_weight),
        chunk,
    )
    begun = Progress(
        latents,
        np.full(count, np.inf),
        np.full(count, np.inf),
        np.zeros(count, int),
        np.zeros(count, bool),
        np.ones(count, bool),
    )
    history = [keep_better(problem, begun, latents)]
    history += search(problem, history[-1], max_steps, SINGLE_TOLERANCE, survivors)
    with jax.enable_x64(True):
        exact = problem._replace(corners=None, targets=np.asarray(targets, np.float64))
        latents = history[-1].latents.astype(np.float64)
        require_precision(generator, np.float64)
        again = history[-1]._replace(
            values=np.full(count, np.inf), finished=np.zeros(count, bool)
        )
        again = keep_better(exact, again, latents)
        history += search(exact, again, double_steps, DOUBLE_TOLERANCE, None)
    shape, last = (len(targets), num_starts), history[-1]
    return Inversion(
        last.latents.reshape(*shape, -1),
        last.errors.reshape(shape),
        (last.finished & last.kept & np.isfinite(last.values)).reshape(shape),
        last.kept.reshape(shape),
        np.stack([then.errors.reshape(shape) for then in history]),
        np.stack([then.steps.reshape(shape) for then in history]),
    )
