"""The codes of one image: ½‖G(z) − x‖² minimised from many starts, a pure function."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from jaxgan.inversion.one_start import (
    CORNERS,
    DOUBLE_TOLERANCE,
    SINGLE_TOLERANCE,
    Best,
    require_corners,
    require_precision,
    search,
)
from jaxgan.inversion.starts import starts_for
from jaxgan.networks import FinishedGenerator, arguments
from jaxgan.types import Example, Latent, PRNGKey, Scalar


class Codes(NamedTuple):
    """What was found from every start of one image.

    Attributes:
        latents: the best point found from each start.
        errors: mean squared error per pixel there, for pixels in [0, 1]; infinite for a
            start where nothing was finite.
        finished: whether the search ended because steps gained nothing any more.
    """

    latents: Float[Array, "starts latent"]
    errors: Float[Array, "starts"]
    finished: Bool[Array, "starts"]

    def best(self) -> Latent:
        """Return the code with the least error."""
        return self.latents[jnp.argmin(self.errors)]


def invert(
    key: PRNGKey,
    generator: FinishedGenerator,
    target: Example,
    *,
    num_starts: int,
    bank_size: int = 10_000,
    prior_weight: float | Scalar = 0.0,
    corners: tuple[float, float] | None = CORNERS,
    max_steps: int = 8,
    exact_steps: int = 20,
    number: int | Int[Array, ""] = 0,
) -> Codes:
    """Return codes of an image: local minima of ½‖G(z) − x‖² + ½κ‖z‖² from many starts.

    It is a pure function: `jax.jit` compiles it, and `jax.vmap` maps it over images,
    keys, weights of the generator, and κ. `invert_many` finds the same codes for many
    images; it stops work on starts that are finished, which `jax.vmap` cannot.

    The first steps are taken in single precision, the last ones in the precision of the
    target. Where that is single precision, errors below about 1e-6 are not exact.

    Args:
        key: of the starts.
        generator: whose codes are wanted. If it declares its kinks, the first steps are
            taken on it with rounded corners, which sharpen: they reach errors several
            times lower.
        target: the image, in the generator's units.
        num_starts: number of starts. Half of them are the codes of those samples of the
            prior whose images are nearest to the target, the others are drawn.
        bank_size: number of samples to choose the nearest ones from; 0: all starts are
            drawn from the prior. Under `jax.vmap` over images all share one such bank,
            if they share the key.
        prior_weight: κ ≥ 0. The variance of Gaussian pixel noise, in the generator's
            units, makes the minimum the most probable code.
        corners: widths of the rounded corners of the generator in the first and in the
            last step in single precision; None: steps are taken on the generator as it
            is.
        max_steps: greatest number of steps in single precision, each with one Jacobian
            and `levenberg_marquardt.CORRECTIONS` gradients more.
        exact_steps: greatest number of steps in the target's precision, after these.
        number: of the image, for the key: another number gives other starts.

    Raises:
        ValueError: if `num_starts` is below 1, κ is negative, `corners` are no widths,
            the target is no image of
            the generator's shape (and of its range, where its pixels are known), or the
            generator does not compute in the precision of its latents.
    """
    if num_starts < 1:
        raise ValueError(f"num_starts must be ≥ 1, got {num_starts}")
    arguments.require_weight("prior_weight", prior_weight)
    target = jnp.asarray(arguments.images("target", target, generator))
    require_corners(corners)
    exact = target.dtype
    single = target.astype(jnp.float32)
    starts = starts_for(
        key,
        generator,
        single[None],
        num_starts=num_starts,
        bank_size=bank_size,
        first_image=number,
    )[0]
    require_precision(generator, exact)

    def one(start: Latent) -> Best:
        rough = search(
            generator,
            start.astype(jnp.float32),
            single,
            jnp.asarray(prior_weight, jnp.float32),
            corners=corners if generator.network.slope is not None else None,
            max_steps=max_steps,
            tolerance=SINGLE_TOLERANCE,
        )
        return search(
            generator,
            rough.latent.astype(exact),
            target,
            jnp.asarray(prior_weight, exact),
            corners=None,
            max_steps=exact_steps,
            tolerance=(DOUBLE_TOLERANCE if exact == jnp.float64 else SINGLE_TOLERANCE),
        )

    found = jax.vmap(one)(starts)
    return Codes(found.latent, found.error, found.finished)
