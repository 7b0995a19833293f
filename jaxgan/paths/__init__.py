"""Paths of least energy between two codes.

A path is a row of codes, its knots. Its energy sums the squared lengths of the segments
between them, each times a metric λ: that is large where the generated image is far from
the two images at the ends.

>>> import jax
>>> import jaxgan
>>> from jaxgan import paths
>>> generator = jaxgan.load_generator("mnist-wgan-gp-2d")
>>> codes = jax.random.normal(jax.random.key(0), (2, 3, 2))
>>> images = tuple(generator.generate(some) for some in codes)
>>> metrics = paths.between_images(generator)
>>> found = paths.minimise_many(metrics, *codes, images, levels=(8,))
>>> found.paths.shape
(3, 9, 2)

`minimise_many` is called from the host. `minimise` finds one path, as a pure function
that is compiled, vectorised and differentiated within other programs:

>>> def energy(generator, code_a, code_b):
...     ends = generator.generate(jax.numpy.stack([code_a, code_b]))
...     metrics = paths.between_images(generator)
...     return paths.minimise(metrics, code_a, code_b, (*ends,), levels=(8,)).energy
>>> slopes = jax.jit(jax.grad(energy, (0, 1, 2)))(generator, codes[0, 0], codes[1, 0])
>>> slopes[1].shape
(2,)

Read `conformal` (the metric λ), `energy`, `curves`, `methods` (what a method is),
`laplacian` and `quasi_newton` (ours), `multilevel` (from coarse to fine), `envelope`
(the derivative of the least energy), `minimiser`. `records` says how exact an energy
is, `excess` why it is no less; `baselines` are other methods.
"""

from jaxgan.paths.baselines import adam, georce, laplacian_preconditioner, plain_lbfgs
from jaxgan.paths.conformal import (
    Metric,
    MetricFamily,
    between_images,
    common,
    energy_bound,
    image_metric,
    least_value,
)
from jaxgan.paths.curves import line, slerp
from jaxgan.paths.energy import at_equal_speed, path_energy, path_length
from jaxgan.paths.envelope import LeastEnergy, least_energy
from jaxgan.paths.excess import Factors, factors
from jaxgan.paths.methods import Method
from jaxgan.paths.minimiser import (
    DEFAULT_METHOD,
    Minimised,
    MinimisedPath,
    minimise,
    minimise_many,
)
from jaxgan.paths.multilevel import levels, multilevel_descent
from jaxgan.paths.quasi_newton import lbfgs
from jaxgan.paths.records import Record, observed_order, record_paths, richardson
from jaxgan.paths.starts import draw_bows

__all__ = [
    "DEFAULT_METHOD",
    "Factors",
    "LeastEnergy",
    "Method",
    "Metric",
    "MetricFamily",
    "Minimised",
    "MinimisedPath",
    "Record",
    "adam",
    "at_equal_speed",
    "between_images",
    "common",
    "draw_bows",
    "energy_bound",
    "factors",
    "georce",
    "image_metric",
    "laplacian_preconditioner",
    "lbfgs",
    "least_energy",
    "least_value",
    "levels",
    "line",
    "minimise",
    "minimise_many",
    "multilevel_descent",
    "observed_order",
    "path_energy",
    "path_length",
    "plain_lbfgs",
    "record_paths",
    "richardson",
    "slerp",
]
