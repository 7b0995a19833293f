"""A finished generator piece by piece: in a region of its units its logits are affine.

A *unit* is an entry of what a network hands to its leaky ReLUs, its *pre-activation*;
units are numbered in the order in which the network does so. In a *region* of latents
no pre-activation changes its sign, and all of them are affine. The latents where one is
zero are the *facet* of its unit, between two regions, where the generator has a kink.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from jaxgan.networks.arguments import require_generator
from jaxgan.networks.finished import SMOOTH, FinishedGenerator, Output
from jaxgan.types import Latent, Scalar

Matrix = Float[Array, "inputs outputs"]
Activate = Callable[[Array, slice], Array]
"""From the pre-activations of a layer and the numbers of its units to activations."""


class Region(NamedTuple):
    """The affine map that the network is in one region, at a latent.

    Attributes:
        units: pre-activations of all units.
        normals: their gradients by the latent.
        logits: what the output function is applied to.
        jacobian: of the logits by the latent.
    """

    units: Float[Array, "units"]
    normals: Float[Array, "units latent"]
    logits: Float[Array, "pixels"]
    jacobian: Float[Array, "pixels latent"]


def evaluate(
    generator: FinishedGenerator, latent: Latent, activate: Activate
) -> tuple[Float[Array, "units"], Float[Array, "pixels"]]:
    """Return the pre-activations and the logits, with any activation at its kinks.

    Args:
        generator: in the precision of the latent.
        latent: where to evaluate it.
        activate: takes the place of every leaky ReLU.
    """
    found: list[Array] = []

    def kink(units: Array) -> Array:
        first = sum(len(some) for some in found)
        found.append(units.reshape(-1))
        numbers = slice(first, first + units.size)
        return activate(found[-1], numbers).reshape(units.shape)

    logits = generator.network.logits(generator.params, latent[None], kink)
    units = found or [jnp.zeros((0,), latent.dtype)]
    return jnp.concatenate(units), logits.reshape(-1)


def require_kinks(generator: FinishedGenerator) -> float:
    """Return the slope of the leaky ReLUs for negative inputs.

    Raises:
        ValueError: if the generator does not declare its kinks, or is none.
    """
    require_generator(generator)
    slope = generator.network.slope
    if slope is None:
        raise ValueError(
            "the generator does not declare its kinks: its slope is None, so that no "
            "end point can be settled or certified"
        )
    return slope


def is_smooth(generator: FinishedGenerator) -> bool:
    """Return whether the generator is declared to have no kinks."""
    return generator.network.slope == SMOOTH


def num_units(generator: FinishedGenerator, latent: Latent) -> int:
    """Return the number of units, the same at every latent."""
    return jax.eval_shape(units_at, generator, latent).size


def slopes(
    generator: FinishedGenerator, positive: Bool[Array, "units"], dtype: Any
) -> Float[Array, "units"]:
    """Return the slope of the leaky ReLU on the given side of each unit."""
    return jnp.where(positive, 1.0, require_kinks(generator)).astype(dtype)


def region(
    generator: FinishedGenerator, latent: Latent, positive: Bool[Array, "units"]
) -> Region:
    """Return the affine map of a region, evaluated at a latent in it or outside of it.

    Args:
        generator: in the precision of the latent.
        latent: where to evaluate it.
        positive: which region: whether each unit has the slope of the positive side.
    """
    slope = slopes(generator, positive, latent.dtype)

    def at(latent: Latent) -> tuple[Array, Array]:
        return evaluate(generator, latent, lambda units, some: slope[some] * units)

    (units, logits), push = jax.linearize(at, latent)
    identity = jnp.eye(len(latent), dtype=latent.dtype)
    normals, jacobian = jax.vmap(push, out_axes=1)(identity)
    return Region(units, normals, logits, jacobian)


def units_at(generator: FinishedGenerator, latent: Latent) -> Float[Array, "units"]:
    """Return the pre-activations of all units."""
    return _with_kinks(generator, latent)[0]


def logits_at(generator: FinishedGenerator, latent: Latent) -> Float[Array, "pixels"]:
    """Return the logits, what the output function is applied to."""
    return _with_kinks(generator, latent)[1]


def _with_kinks(generator: FinishedGenerator, latent: Latent) -> tuple[Array, Array]:
    return evaluate(generator, latent, lambda units, _: generator.network.kink(units))


def error_derivatives(
    output: Output, logits: Float[Array, "pixels"], target: Float[Array, "pixels"]
) -> tuple[Float[Array, "pixels"], Float[Array, "pixels"]]:
    """Return the first two derivatives of ½(φ(u) − x)² by u, for each pixel."""
    ones = jnp.ones_like(logits)

    def first(logits: Array) -> tuple[Array, Array]:
        image, slope = jax.jvp(output.function, (logits,), (ones,))
        return (image - target) * slope, slope

    (derivative, _), (second, _) = jax.jvp(first, (logits,), (ones,))
    return derivative, second


def curvature_of_logits(
    generator: FinishedGenerator, latent: Latent, output: Float[Array, "pixels"]
) -> Float[Array, "latent latent"]:
    """Return Σ δₖ ∇²uₖ over the logits uₖ; zero but for a smooth generator.

    Args:
        generator: in the precision of the latent.
        latent: where to evaluate it.
        output: δ, the derivative of the error by the logits.
    """
    if not is_smooth(generator):
        return jnp.zeros((len(latent), len(latent)), latent.dtype)
    return jax.hessian(lambda z: logits_at(generator, z) @ output)(latent)


def signals(
    generator: FinishedGenerator,
    latent: Latent,
    positive: Bool[Array, "units"],
    output: Float[Array, "pixels"],
    multipliers: Float[Array, "units"],
) -> Float[Array, "units"]:
    """Return the derivatives by the activations of the units (backpropagation).

    Args:
        generator: in the precision of the latent.
        latent: any; the network is affine, with the same derivatives everywhere.
        positive: whether each unit has the slope of the positive side.
        output: derivative by the logits.
        multipliers: added to the derivatives by the units' pre-activations.
    """
    slope = slopes(generator, positive, latent.dtype)

    def value(added: Array) -> Scalar:
        units, logits = evaluate(
            generator, latent, lambda units, some: slope[some] * units + added[some]
        )
        return logits @ output + units @ multipliers

    return jax.grad(value)(jnp.zeros_like(multipliers))


class Layers(NamedTuple):
    """Weights of a fully connected generator.

    Attributes:
        kernels: matrices of all layers; the output function follows the last one.
        biases: of all layers.
    """

    kernels: tuple[Matrix, ...]
    biases: tuple[Float[Array, "outputs"], ...]


def layers_of(generator: FinishedGenerator) -> Layers:
    """Return the layers of a folded fully connected generator of this library.

    Raises:
        ValueError: if the weights are of another kind of network, or have the names of
            this one, and the network computes something else with them.
    """
    require_generator(generator)
    params = generator.params
    try:
        names = [f"hidden_{i}" for i in range(len(params) - 1)]
        affine = [*(params[name]["affine"] for name in names), params["output"]]
        kernels = tuple(a["kernel"] for a in affine)
        biases = tuple(a["bias"] for a in affine)
    except (KeyError, TypeError, AttributeError) as error:
        kind = type(params).__name__
        found = ", ".join(map(str, params)) if isinstance(params, dict) else kind
        raise ValueError(
            f"expected a folded fully connected generator, got the weights {found}"
        ) from error
    if any(kernel.ndim != 2 for kernel in kernels):
        raise ValueError("expected matrices, got the kernels of convolutions")
    layers, latent = Layers(kernels, biases), jnp.ones(generator.latent_dim)
    if not jnp.allclose(
        _logits(generator, layers, latent), logits_at(generator, latent)
    ):
        raise ValueError(
            "the weights have the names of a fully connected generator of this "
            "library, and the network computes something else with them"
        )
    return layers


def _logits(
    generator: FinishedGenerator, layers: Layers, latent: Latent
) -> Float[Array, "pixels"]:
    """Return what the layers compute, one after another."""
    found = latent
    for kernel, bias in zip(layers.kernels[:-1], layers.biases[:-1], strict=True):
        found = generator.network.kink(found @ kernel + bias)
    return found @ layers.kernels[-1] + layers.biases[-1]


def lipschitz_constant(layers: Layers) -> Scalar:
    """Return a Lipschitz constant of a generator (an upper bound of its slope).

    It is the product of the spectral norms of the matrices: no slope of the leaky ReLUs
    or of tanh is above 1.
    """
    norms = [jnp.linalg.norm(kernel, 2) for kernel in layers.kernels]
    return jnp.prod(jnp.stack(norms))
