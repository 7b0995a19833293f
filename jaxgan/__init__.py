"""Latent geometry of generative models on digit images, in JAX."""

from jaxgan import (
    adversarial,
    algorithm,
    checkpoints,
    classification,
    data,
    distortions,
    gans,
    losses,
    models,
    networks,
    plots,
    training,
)
from jaxgan.models import load_classifier, load_critic, load_generator

__all__ = [
    "adversarial",
    "algorithm",
    "checkpoints",
    "classification",
    "data",
    "distortions",
    "gans",
    "load_classifier",
    "load_critic",
    "load_generator",
    "losses",
    "models",
    "networks",
    "plots",
    "training",
]
