"""Exact local minima of the inversion error: certified, and their number estimated.

>>> import numpy as np
>>> import jax
>>> from jaxgan import minima, networks
>>> network = networks.mlp_generator(latent_dim=2, widths=(16,), batch_norm=False)
>>> params = network.init(jax.random.key(0))
>>> generator = networks.FinishedGenerator(network.plain, params)
>>> image = generator.generate(jax.numpy.array([[0.5, -0.3]]))
>>> starts, owners = np.array([[0.1, 0.2], [-0.3, 0.1]]), np.array([0, 0])
>>> ends = minima.settle_many(generator, starts, np.asarray(image), owners)
>>> ends.latents.round(3).tolist()
[[0.5, -0.3], [0.5, -0.3]]
>>> ends.share("strict")
1.0

`settle` does this for one point, as a pure function inside your own program. How the
minimum moves with the image is its derivative:

>>> def code(image):
...     return minima.settle(generator, jax.numpy.zeros(2), image).latent
>>> with jax.enable_x64(True):
...     exact = image[0].astype("float64")
...     moves = jax.jit(jax.jacrev(code))(exact)
>>> moves.shape
(2, 28, 28, 1)

Read `certificates` (what is proved), `faces` (the objective around a point on kinks),
`facets` (Newton's method on the kinks), `newton` (with kinks rounded off), `settling`
(`settle`) and `implicit` (its derivatives). `sharpening` and `many_points` are the
driver on the host, `settle_many`; `counting` estimates how many minima there are,
and `distinct` tells them apart.
"""

from jaxgan.minima import faces, facets, newton
from jaxgan.minima.certificates import STATUSES, Certificate, certify
from jaxgan.minima.counting import Count, chao, count_minima, good_turing, starts_needed
from jaxgan.minima.distinct import DistinctMinimum, distinct_minima
from jaxgan.minima.many_points import Settled, settle_many
from jaxgan.minima.settling import Minimum, settle

__all__ = [
    "Certificate",
    "Count",
    "DistinctMinimum",
    "Minimum",
    "STATUSES",
    "Settled",
    "certify",
    "chao",
    "count_minima",
    "distinct_minima",
    "faces",
    "facets",
    "good_turing",
    "newton",
    "settle",
    "settle_many",
    "starts_needed",
]
