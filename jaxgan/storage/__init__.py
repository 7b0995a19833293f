"""Finished models, and states of training runs, as files; damage to them is noticed.

>>> import jaxgan
>>> from jaxgan import storage
>>> generator = jaxgan.load_generator("mnist-wgan-gp-2d")
>>> generator.latent_dim, storage.load_card("mnist-wgan-gp-2d")["seed"]
(2, 0)
>>> len(storage.digests.sha256(generator.params))
64

Read `models`, then `checkpoints`, the states of runs (they need the extra
`experiments`), and `retention`, which of them are kept. `digests` are hashes of trees
of arrays; `seals` write files that contain their own hash.
"""

from jaxgan.storage import digests, seals
from jaxgan.storage.checkpoints import Restored, restore_state, save_state
from jaxgan.storage.models import (
    Part,
    as_stored,
    load_card,
    load_classifier,
    load_critic,
    load_encoder,
    load_generator,
    load_part,
    save_model,
    shipped,
)

__all__ = [
    "Part",
    "Restored",
    "as_stored",
    "digests",
    "load_card",
    "load_classifier",
    "load_critic",
    "load_encoder",
    "load_generator",
    "load_part",
    "restore_state",
    "save_model",
    "save_state",
    "seals",
    "shipped",
]
