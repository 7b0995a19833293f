"""Latent geometry of generative models on digit images, in JAX."""

from jaxgan import checkpoints, data, losses, networks, plots, training

__all__ = ["checkpoints", "data", "losses", "networks", "plots", "training"]
