"""What steps cost, in gradients: by the floating-point operations of compiled programs.

A gradient is one evaluation of ½‖G(z) − x‖² with its gradient, for one instance.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from jaxgan import descent, facets, smoothing
from jaxgan import levenberg_marquardt as lm
from jaxgan.models import TrainedGenerator
from jaxgan.regions import Layers

DOUBLE = 2.0
"""An operation in double precision, in such of single precision."""


def operations(function: Callable[..., Any], *arguments: Any) -> float:
    """Count the floating-point operations of a compiled program."""
    analysis = jax.jit(function).lower(*arguments).compile().cost_analysis()
    return float(dict(analysis or {})["flops"])


def step_in_gradients(generator: TrainedGenerator) -> float:
    """Cost of a Levenberg-Marquardt step."""
    latent = jnp.zeros(generator.latent_dim)
    target = generator.generate(latent[None])[0]
    state = lm.begin(latent)

    def gradient(latent, target):
        value = descent.objective(generator.generate, target)
        return jax.value_and_grad(value)(latent)

    def step(state, target):
        return lm.step(generator.generate, state, target, 0.0)

    return operations(step, state, target) / operations(gradient, latent, target)


def settling_in_gradients(layers: Layers) -> tuple[float, float]:
    """Costs of a Newton step on the rounded network, and of one on facets."""
    latent = jnp.zeros(len(layers.kernels[0]))
    target = jnp.zeros(len(layers.biases[-1]))
    width = jnp.ones(())

    def gradient(latent, target):
        return jax.value_and_grad(smoothing.value, 1)(layers, latent, target, width)

    def newton(latent, target):
        return smoothing.step(layers, latent, target, width)

    def on_facets(state, target):
        return facets.step(layers, state, target)

    one = operations(gradient, latent, target)
    return (
        operations(newton, latent, target) / one,
        operations(on_facets, facets.start(layers, latent), target) / one,
    )
