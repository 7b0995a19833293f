"""The cost of inversion steps, in gradients.

A gradient is the unit: one evaluation of ½‖G(z) − x‖² together with its gradient, for
one code. Costs are ratios of the floating-point operations of compiled programs. The
body of a loop is counted once there, and here as often as it runs.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from jaxgan import inversion
from jaxgan.inversion import levenberg_marquardt as lm
from jaxgan.minima import faces, facets, newton
from jaxgan.networks import SMOOTH, FinishedGenerator

DOUBLE = 2.0
"""Cost of an operation in double precision, in operations of single precision."""


def operations(function: Callable[..., Any], *arguments: Any) -> float:
    """Return the number of floating-point operations of a compiled function."""
    analysis = jax.jit(function).lower(*arguments).compile().cost_analysis()
    return float(dict(analysis or {})["flops"])


class Costs(NamedTuple):
    """Costs of one step, in gradients.

    Attributes:
        search: a step of Levenberg and Marquardt.
        newton: a Newton step on the rounded network.
        on_facets: a Newton step on facets; 0 if the generator has none.
    """

    search: float
    newton: float
    on_facets: float


def in_gradients(generator: FinishedGenerator) -> Costs:
    """Return the costs for a generator that declares its kinks."""
    latent = jnp.zeros(generator.latent_dim)
    image = generator.generate(latent[None])[0]
    pixels = image.reshape(-1)

    def gradient(latent, target):
        value = inversion.objective(generator.generate, target)
        return jax.value_and_grad(value)(latent)

    def search(state, target):
        return lm.step(generator.generate, state, target, 0.0)

    def rounded(state):
        return newton.step(generator, state, pixels, 0.5, 0.0)

    def face():
        start = faces.start(generator, latent)
        return operations(facets.step, generator, start, pixels)

    one = operations(gradient, latent, image)
    return Costs(
        operations(search, lm.begin(latent), image) / one + lm.CORRECTIONS - 1,
        operations(rounded, newton.State(latent, jnp.ones(()))) / one
        + newton.CORRECTIONS
        - 1,
        0.0 if generator.network.slope == SMOOTH else face() / one,
    )
