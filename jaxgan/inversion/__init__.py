"""The codes of images: z with G(z) = x, from many starts.

>>> import jax
>>> import jaxgan
>>> from jaxgan import inversion
>>> generator = jaxgan.load_generator("mnist-wgan-gp-2d")
>>> images = generator.generate(jax.random.normal(jax.random.key(0), (2, 2)))
>>> found = inversion.invert(
...     generator.generate, jax.random.key(1), images, latent_dim=2, num_starts=4
... )
>>> found.best().shape, bool((found.errors.min(1) < 1e-3).all())
((2, 2), True)

Read `levenberg_marquardt` (one step), `starts`, `search` (all starts side by side),
`multistart` (`invert`). `recovery` finds the codes of a generator's own images to the
last digit; `recipes` are the published ways, by the steps in `first_order`.
"""

from jaxgan.inversion import levenberg_marquardt
from jaxgan.inversion.first_order import (
    cross_entropy,
    descend,
    objective,
    squared_error,
)
from jaxgan.inversion.multistart import Inversion, invert, invert_from
from jaxgan.inversion.recipes import RECIPES, Recipe, follow_recipe, pixel_mean
from jaxgan.inversion.recovery import Forms, Recovery, condition_numbers, forms, recover
from jaxgan.inversion.search import STEPS_PER_ROUND
from jaxgan.inversion.starts import nearest_starts, sample_bank

__all__ = [
    "Forms",
    "Inversion",
    "RECIPES",
    "Recipe",
    "Recovery",
    "STEPS_PER_ROUND",
    "condition_numbers",
    "cross_entropy",
    "descend",
    "follow_recipe",
    "forms",
    "invert",
    "invert_from",
    "levenberg_marquardt",
    "nearest_starts",
    "objective",
    "pixel_mean",
    "recover",
    "sample_bank",
    "squared_error",
]
