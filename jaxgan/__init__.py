"""Latent geometry of generative models on digit images, in JAX.

The library is divided into rooms, packages with one capability each. A room lists what
is public in it, and in what order to read it.

>>> import jax
>>> import jaxgan
>>> generator = jaxgan.load_generator("mnist-wgan-gp")
>>> latents = jax.random.normal(jax.random.key(0), (16, generator.latent_dim))
>>> generator.generate(latents).shape
(16, 28, 28, 1)

To train a model: `data`, `networks`, `training`, then `gan`, `autoencoders`. To judge
and to keep it: `evaluation`, `storage`. To study its latent space: `inversion`,
`minima`, `paths`. All share the words in `types`, the `errors`, the scales of `pixels`,
`statistics`, and what runs on several devices, `parallel`.
"""

from jaxgan import (
    autoencoders,
    data,
    errors,
    evaluation,
    gan,
    inversion,
    minima,
    networks,
    parallel,
    paths,
    pixels,
    statistics,
    storage,
    training,
    types,
)
from jaxgan.storage import load_classifier, load_critic, load_generator, shipped

__all__ = [
    "autoencoders",
    "data",
    "errors",
    "evaluation",
    "gan",
    "inversion",
    "load_classifier",
    "load_critic",
    "load_generator",
    "minima",
    "networks",
    "parallel",
    "paths",
    "pixels",
    "shipped",
    "statistics",
    "storage",
    "training",
    "types",
]
