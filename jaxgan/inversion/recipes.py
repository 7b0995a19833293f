"""Published recipes for finding the code of an image, compared at equal budgets.

Step sizes are converted to an objective of one image, so that none depends on how many
images are inverted at once. The best point is kept, whatever point a recipe returns.
"""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Float

from jaxgan.inversion.first_order import Fit, cross_entropy, descend, squared_error
from jaxgan.inversion.starts import drawn_starts
from jaxgan.networks import FinishedGenerator, arguments
from jaxgan.types import Example, Examples, Latents, PRNGKey, Scalar

Draw = Callable[[PRNGKey, int], Float[Array, "latent"]]
"""`draw(key, latent_dim)`: one start."""


class Recipe(NamedTuple):
    """A first-order method for the code of an image.

    Attributes:
        optimizer: from the number of steps to the optimiser.
        num_steps: number of steps from each start, with one gradient each.
        fit: how an image is compared with its target.
        draw: distribution of the starts.
        prior_weight: κ of an additional ½κ‖z‖².
    """

    optimizer: Callable[[int], optax.GradientTransformationExtraArgs]
    num_steps: int
    fit: Fit = squared_error
    draw: Draw = lambda key, dim: jax.random.normal(key, (dim,))
    prior_weight: float = 0.0


class Followed(NamedTuple):
    """What a recipe found.

    Attributes:
        latents: the best code from each start.
        errors: mean squared error per pixel there, for pixels in [0, 1]; infinite where
            nothing was finite.
        gradients: number of gradients evaluated for each image.
    """

    latents: Float[np.ndarray, "images starts latent"]
    errors: Float[np.ndarray, "images starts"]
    gradients: int


def pixel_mean(image: Example, target: Example) -> Scalar:
    """Return the mean squared error per pixel in the networks' units."""
    return jnp.mean((image - target) ** 2)


def projected(
    optimizer: optax.GradientTransformation,
    project: Callable[[PRNGKey, Array], Array],
) -> optax.GradientTransformationExtraArgs:
    """Return an optimiser that applies `project` to the point after every step.

    The keys for `project` are derived from the bits of the first point, since an optax
    optimiser is given no key: runs from equal starts draw equal numbers.
    """

    def init(params):
        words = jax.lax.bitcast_convert_type(params, jnp.uint32)
        key = jax.random.fold_in(jax.random.key(0), jnp.sum(words))
        return key, optimizer.init(params)

    def update(updates, state, params=None, **extra_args):
        del extra_args
        key, inner = state
        key, now = jax.random.split(key)
        changes, inner = optimizer.update(updates, inner, params)
        latent = jnp.asarray(params)
        return project(now, latent + jnp.asarray(changes)) - latent, (key, inner)

    return optax.GradientTransformationExtraArgs(init, update)


def resample_outside(bound: float) -> Callable[[PRNGKey, Array], Array]:
    """Return stochastic clipping, which redraws every coordinate outside ±bound.

    New coordinates are uniform in ±bound.
    """

    def project(key: PRNGKey, latent: Array) -> Array:
        drawn = jax.random.uniform(key, latent.shape, minval=-bound, maxval=bound)
        return jnp.where(jnp.abs(latent) > bound, drawn, latent)

    return project


def to_sphere(_: PRNGKey, latent: Array) -> Array:
    """Return a code scaled to norm √d, near which most codes of d dimensions lie."""
    return latent * jnp.sqrt(latent.size / jnp.sum(latent * latent))


def _momentum_with_drop(num_steps: int) -> optax.GradientTransformationExtraArgs:
    # Step 10 for pixels in [0, 1] is 2.5 in the networks' units.
    schedule = optax.piecewise_constant_schedule(2.5, {-(-num_steps * 4 // 5): 0.1})
    return optax.with_extra_args_support(optax.sgd(schedule, momentum=0.7))


def _spherical(num_steps: int) -> optax.GradientTransformationExtraArgs:
    top, low = round(0.45 * num_steps), round(0.9 * num_steps)
    schedule = optax.join_schedules(
        [
            optax.linear_schedule(0.04, 0.4, max(top, 1)),
            optax.linear_schedule(0.4, 0.04, max(low - top, 1)),
            optax.linear_schedule(0.04, 0.0004, max(num_steps - low, 1)),
        ],
        [top, low],
    )
    return projected(optax.adam(schedule), to_sphere)


def _fixed(
    optimizer: optax.GradientTransformation,
) -> Callable[[int], optax.GradientTransformationExtraArgs]:
    return lambda num_steps: optax.with_extra_args_support(optimizer)


BACKTRACKING = optax.scale_by_backtracking_linesearch(
    max_backtracking_steps=8, decrease_factor=0.5, store_grad=True
)
BOX = float(np.sqrt(3))
"""Uniform in ±√3 has the variance of the normal prior."""

RECIPES = {
    "lipton": Recipe(
        lambda n: projected(optax.sgd(1.0), resample_outside(BOX)),
        1_000,
        pixel_mean,
        lambda key, dim: jax.random.uniform(key, (dim,), minval=-BOX, maxval=BOX),
    ),
    "creswell": Recipe(
        _fixed(optax.rmsprop(0.01)), 5_000, cross_entropy, prior_weight=0.01
    ),
    "csgm": Recipe(_fixed(optax.adam(0.1)), 1_000),
    "defense_gan": Recipe(
        _momentum_with_drop,
        200,
        pixel_mean,
        lambda key, dim: jax.random.normal(key, (dim,)) / np.sqrt(dim),
    ),
    "athalye": Recipe(_fixed(optax.adam(0.1)), 2_100),
    "webster": Recipe(_fixed(optax.lbfgs(linesearch=BACKTRACKING)), 50),
    "pulse": Recipe(
        _spherical,
        100,
        draw=lambda key, dim: to_sphere(key, jax.random.normal(key, (dim,))),
    ),
}
"""Published recipes by name.

- `lipton`: Lipton & Tripathi 2017, "Precise recovery of latent vectors": gradient
  descent with step 1 and stochastic clipping, with starts from a uniform prior. Theirs
  was uniform in ±1; here it has the variance of the normal prior.
- `creswell`: Creswell & Bharath 2018, "Inverting the generator of a GAN": RMSprop,
  cross-entropy, log-prior.
- `csgm`: Bora et al. 2017, "Compressed sensing using generative models": Adam.
- `defense_gan`: Samangouei et al. 2018, "Defense-GAN": momentum, step divided by ten
  after four fifths of the steps, starts with standard deviation 1/√d.
- `athalye`: Athalye et al. 2018, "Obfuscated gradients": Adam, for longer.
- `webster`: Webster et al. 2019, "Detecting overfitting of deep generative networks
  via latent recovery": L-BFGS. Each step counts as one gradient; the values that its
  line search evaluates are not counted.
- `pulse`: Menon et al. 2020, "PULSE": Adam on the sphere, with a step size that rises,
  falls, and goes almost to 0.
"""


def follow_recipe(
    key: PRNGKey,
    generator: FinishedGenerator,
    recipe: Recipe,
    targets: Examples,
    *,
    budget: int,
    first_image: int = 0,
) -> Followed:
    """Return the codes that a recipe finds with `budget` gradients for each image.

    The recipe runs from as many starts as its number of steps fits into the budget, or
    from one start with fewer steps. Starts depend only on the key, the number of the
    image and their own number.

    Args:
        key: of the starts.
        generator: whose codes are wanted.
        recipe: one of `RECIPES`, or another.
        targets: images in the generator's units.
        budget: gradients for each image.
        first_image: number of the first target, for the key.

    Raises:
        ValueError: if the budget is below 1, or the targets are not images of the
            generator's shape and range.
    """
    targets = jnp.asarray(arguments.images("targets", targets, generator, "images"))
    if budget < 1:
        raise ValueError(f"budget must be at least 1, got {budget}")
    num_starts = max(1, budget // recipe.num_steps)
    num_steps = min(budget, recipe.num_steps)
    latents, errors = _follow(
        recipe,
        num_starts,
        num_steps,
        key,
        generator,
        targets,
        first_image + jnp.arange(len(targets)),
    )
    return Followed(np.asarray(latents), np.asarray(errors), num_starts * num_steps)


@partial(jax.jit, static_argnums=(0, 1, 2))
def _follow(
    recipe, num_starts, num_steps, key, generator, targets, numbers
) -> tuple[Array, Array]:
    dim, output = generator.latent_dim, generator.network.output

    def signed(pixels: Array) -> Array:
        """Bring pixels to [-1, 1], the units that step sizes are for."""
        if (output.low, output.high) == (-1, 1):
            return pixels
        return 2 * (pixels - output.low) / (output.high - output.low) - 1

    def generate(latents: Latents) -> Examples:
        return signed(generator.generate(latents))

    starts = drawn_starts(key, numbers, num_starts, lambda key: recipe.draw(key, dim))
    wanted = signed(targets)
    found = descend(
        generate,
        starts.reshape(-1, dim),
        jnp.repeat(wanted, num_starts, 0),
        recipe.optimizer(num_steps),
        num_steps,
        fit=recipe.fit,
        prior_weight=recipe.prior_weight,
    )
    shape = (len(targets), num_starts)
    images = generate(found.latents).reshape(*shape, -1)
    gaps = (images - wanted.reshape(len(targets), 1, -1)) / 2
    finite = jnp.isfinite(found.values).reshape(shape)
    errors = jnp.where(finite, jnp.mean(gaps * gaps, 2), jnp.inf)
    return found.latents.reshape(*shape, -1), errors
