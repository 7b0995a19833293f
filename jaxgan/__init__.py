"""Latent geometry of generative models on digit images, in JAX.

Each room is a package with one capability; `jaxgan.<room>` names what is public in it.

>>> import jax
>>> import jaxgan
>>> generator = jaxgan.load_generator("mnist-wgan-gp")
>>> latents = jax.random.normal(jax.random.key(0), (16, generator.latent_dim))
>>> generator.generate(latents).shape
(16, 28, 28, 1)
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
