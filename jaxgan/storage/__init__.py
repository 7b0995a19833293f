"""Finished models and states of runs as files that notice when they are damaged.

>>> import jaxgan
>>> jaxgan.shipped()[0]
'mnist-classifier'
>>> generator = jaxgan.load_generator("mnist-wgan-gp-2d")
>>> generator.latent_dim, generator.card["seed"]
(2, 0)

Read `models`; `checkpoints` are the states of runs (they need the extra `experiments`),
`digests` and `seals` what both are checked by.
"""

from jaxgan.storage import digests, seals
from jaxgan.storage.checkpoints import Restored, restore_state, save_state
from jaxgan.storage.models import (
    Part,
    TrainedGenerator,
    as_stored,
    load_classifier,
    load_critic,
    load_generator,
    load_part,
    save_model,
    shipped,
)

__all__ = [
    "Part",
    "Restored",
    "TrainedGenerator",
    "as_stored",
    "digests",
    "load_classifier",
    "load_critic",
    "load_generator",
    "load_part",
    "restore_state",
    "save_model",
    "save_state",
    "seals",
    "shipped",
]
