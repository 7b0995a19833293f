"""Latent geometry of generative models on digit images, in JAX."""

from jaxgan import (
    algorithms,
    checkpoints,
    data,
    losses,
    networks,
    plots,
    training,
)

__all__ = [
    "algorithms",
    "checkpoints",
    "data",
    "losses",
    "networks",
    "plots",
    "training",
]
