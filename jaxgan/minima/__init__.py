"""Exact local minima of the inversion error: certified, and their number estimated.

>>> import numpy as np
>>> import jax
>>> from jaxgan import minima, networks
>>> network = networks.mlp_generator(latent_dim=2, widths=(16,), batch_norm=False)
>>> params = network.init(jax.random.key(0))
>>> generator = networks.FinishedGenerator(network.plain, params)
>>> image = generator.generate(jax.numpy.array([[0.5, -0.3]]))
>>> starts, owners = np.array([[0.1, 0.2], [-0.3, 0.1]]), np.array([0, 0])
>>> ends = minima.settle(generator, starts, np.asarray(image), owners)
>>> ends.latents.round(3).tolist()
[[0.5, -0.3], [0.5, -0.3]]
>>> ends.share("strict")
1.0

Read `certificates` (what is proved), `faces` (the objective around a point on kinks),
`facets` (Newton's method on the kinks), `newton` (with kinks rounded off), `sharpening`
and `settling`; `counting` estimates how many minima there are.
"""

from jaxgan.minima import faces, facets, newton
from jaxgan.minima.certificates import STATUSES, Certificate, certify
from jaxgan.minima.counting import Count, chao, count_minima, good_turing, starts_needed
from jaxgan.minima.settling import Settled, settle

__all__ = [
    "Certificate",
    "Count",
    "STATUSES",
    "Settled",
    "certify",
    "chao",
    "count_minima",
    "faces",
    "facets",
    "good_turing",
    "newton",
    "settle",
    "starts_needed",
]
