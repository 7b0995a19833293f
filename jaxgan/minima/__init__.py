"""From the end of a search to an exact local minimum, certified and counted.

>>> import jax
>>> import numpy as np
>>> import jaxgan
>>> from jaxgan import minima
>>> generator = jaxgan.load_generator("mnist-wgan-gp-2d")
>>> image = generator.generate(jax.random.normal(jax.random.key(0), (1, 2)))
>>> starts = np.array([[0.1, 0.2], [-0.3, 0.1]])
>>> ends = minima.settle(
...     generator.params, starts, np.asarray(image), np.array([0, 0]), prior_weight=0.01
... )
>>> [minima.STATUSES[status] in minima.STATUSES for status in ends.certificates.status]
[True, True]

Read `certificates` (what is proved), `facets` (Newton's method on the kinks), `newton`
(with kinks rounded off), `sharpening`, `settling`; `counting` estimates how many minima
there are.
"""

from jaxgan.minima import facets, newton
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
    "facets",
    "good_turing",
    "newton",
    "settle",
    "starts_needed",
]
