"""The codes of images: z with G(z) close to a given image x, from many starts.

>>> import jax
>>> from jaxgan import inversion, networks
>>> network = networks.mlp_generator(latent_dim=2, widths=(16,), batch_norm=False)
>>> params = network.init(jax.random.key(0))
>>> generator = networks.FinishedGenerator(network.plain, params)
>>> images = generator.generate(jax.numpy.array([[0.5, -0.3], [1.0, 2.0]]))
>>> found = inversion.invert_many(jax.random.key(1), generator, images, num_starts=4)
>>> found.best().round(3).tolist()
[[0.5, -0.3], [1.0, 2.0]]

`invert` does this for one image, as a pure function inside your own program:

>>> def code(image):
...     return inversion.invert(key, generator, image, num_starts=4).best()
>>> key = jax.random.key(1)
>>> codes = jax.jit(jax.vmap(code))(images)
>>> bool(abs(codes - found.best().astype("float32")).max() < 1e-3)
True

Read `levenberg_marquardt` (one step), `quasi_newton` (the cheap steps in it),
`one_start` (a search), `starts`, `multistart` (`invert`). `search` and `many_images`
are the driver on the host, `invert_many`. `recovery` finds the codes of a generator's
own images to the last digit; `recipes` are the published ways, by the steps in
`first_order`.
"""

from jaxgan.inversion import levenberg_marquardt
from jaxgan.inversion.first_order import (
    cross_entropy,
    descend,
    objective,
    squared_error,
)
from jaxgan.inversion.many_images import Inversion, invert_from, invert_many
from jaxgan.inversion.multistart import Codes, invert
from jaxgan.inversion.recipes import RECIPES, Recipe, follow_recipe, pixel_mean
from jaxgan.inversion.recovery import Recovery, condition_numbers, recover
from jaxgan.inversion.starts import nearest_starts, sample_bank

__all__ = [
    "Codes",
    "Inversion",
    "RECIPES",
    "Recipe",
    "Recovery",
    "condition_numbers",
    "cross_entropy",
    "descend",
    "follow_recipe",
    "invert",
    "invert_from",
    "invert_many",
    "levenberg_marquardt",
    "nearest_starts",
    "objective",
    "pixel_mean",
    "recover",
    "sample_bank",
    "squared_error",
]
