"""Latent geometry of generative models on digit images, in JAX."""

from jaxgan import (
    adversarial,
    algorithm,
    checkpoints,
    classification,
    data,
    distortions,
    gans,
    judge,
    losses,
    metrics,
    models,
    neighbours,
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
    "judge",
    "load_classifier",
    "load_critic",
    "load_generator",
    "losses",
    "metrics",
    "models",
    "neighbours",
    "networks",
    "plots",
    "training",
]
