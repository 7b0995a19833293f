"""A folded generator piece by piece: in a region of its leaky ReLUs it is tanh(Az + c).

A *unit* is a hidden neuron; its pre-activation is affine in a region. The codes where
it is zero are a *facet*, between two regions, where the generator has a kink.
"""

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from jaxgan.networks.layers import NEGATIVE_SLOPE
from jaxgan.types import Latent, Params, Scalar

Matrix = Float[Array, "inputs outputs"]


class Layers(NamedTuple):
    """Weights of a multilayer perceptron with leaky ReLUs and a tanh at the end.

    Attributes:
        kernels: matrices of all layers; tanh follows the last one.
        biases: of all layers.
    """

    kernels: tuple[Matrix, ...]
    biases: tuple[Float[Array, "outputs"], ...]

    @property
    def num_units(self) -> int:
        """The number of hidden neurons."""
        return sum(len(bias) for bias in self.biases[:-1])


class Region(NamedTuple):
    """The affine map that the network is in one region, at a latent.

    Attributes:
        units: pre-activations of all units, first layer first.
        normals: their gradients by the latent.
        logits: what tanh is applied to.
        jacobian: of the logits by the latent.
    """

    units: Float[Array, "units"]
    normals: Float[Array, "units latent"]
    logits: Float[Array, "pixels"]
    jacobian: Float[Array, "pixels latent"]


def layers_of(params: Params) -> Layers:
    """Return the layers of a folded fully connected generator.

    Raises:
        ValueError: if the weights are of another kind of network.
    """
    names = [f"hidden_{i}" for i in range(len(params) - 1)]
    try:
        affine = [*(params[name]["affine"] for name in names), params["output"]]
        kernels = tuple(a["kernel"] for a in affine)
        biases = tuple(a["bias"] for a in affine)
    except (KeyError, TypeError) as error:
        raise ValueError(
            "expected a folded fully connected generator, got weights named "
            f"{', '.join(map(str, params))}"
        ) from error
    if any(kernel.ndim != 2 for kernel in kernels):
        raise ValueError("expected matrices, got the kernels of convolutions")
    return Layers(kernels, biases)


def slopes(positive: Bool[Array, "units"]) -> Float[Array, "units"]:
    """Return the slope of the leaky ReLU on the given side of each unit."""
    return jnp.where(positive, 1.0, NEGATIVE_SLOPE)


def region(layers: Layers, latent: Latent, positive: Bool[Array, "units"]) -> Region:
    """Return the affine map of a region, evaluated at a latent in it or outside of it.

    Args:
        layers: of the network.
        latent: where to evaluate it.
        positive: which region: whether each unit has the slope of the positive side.
    """
    value, jacobian = latent, jnp.eye(len(latent), dtype=latent.dtype)
    units, normals, first = [], [], 0
    for kernel, bias in zip(layers.kernels[:-1], layers.biases[:-1], strict=True):
        value, jacobian = value @ kernel + bias, kernel.T @ jacobian
        units.append(value)
        normals.append(jacobian)
        slope = slopes(positive[first : first + len(bias)]).astype(latent.dtype)
        value, jacobian = slope * value, slope[:, None] * jacobian
        first += len(bias)
    kernel, bias = layers.kernels[-1], layers.biases[-1]
    return Region(
        jnp.concatenate(units),
        jnp.concatenate(normals),
        value @ kernel + bias,
        kernel.T @ jacobian,
    )


def units_at(layers: Layers, latent: Latent) -> Float[Array, "units"]:
    """Return the pre-activations of all units."""
    return _propagate(layers, latent)[0]


def logits_at(layers: Layers, latent: Latent) -> Float[Array, "pixels"]:
    """Return the logits, what tanh is applied to."""
    return _propagate(layers, latent)[1]


def _propagate(layers: Layers, latent: Latent) -> tuple[Array, Array]:
    value, units = latent, []
    for kernel, bias in zip(layers.kernels[:-1], layers.biases[:-1], strict=True):
        unit = value @ kernel + bias
        units.append(unit)
        value = unit * slopes(unit > 0).astype(latent.dtype)
    return jnp.concatenate(units), value @ layers.kernels[-1] + layers.biases[-1]


def error_derivatives(
    logits: Float[Array, "pixels"], target: Float[Array, "pixels"]
) -> tuple[Float[Array, "pixels"], Float[Array, "pixels"]]:
    """Return the first two derivatives of ½(tanh u − x)² by u, for each pixel."""
    image = jnp.tanh(logits)
    residual, decay = image - target, 1 - image * image
    return residual * decay, decay * (decay - 2 * image * residual)


def signals(
    layers: Layers,
    positive: Bool[Array, "units"],
    output: Float[Array, "pixels"],
    multipliers: Float[Array, "units"],
) -> Float[Array, "units"]:
    """Return the derivatives by the activations of the units (backpropagation).

    Args:
        layers: of the network.
        positive: whether each unit has the slope of the positive side.
        output: derivative by the logits.
        multipliers: added to the derivatives by the units' pre-activations.
    """
    found = []
    last = layers.num_units
    signal = layers.kernels[-1] @ output
    for index in reversed(range(len(layers.kernels) - 1)):
        first = last - len(layers.biases[index])
        found.append(signal)
        slope = slopes(positive[first:last]).astype(signal.dtype)
        by_unit = slope * signal + multipliers[first:last]
        signal = layers.kernels[index] @ by_unit
        last = first
    return jnp.concatenate(found[::-1])


def lipschitz_constant(layers: Layers) -> Scalar:
    """Return a Lipschitz constant of a generator (an upper bound of its slope).

    It is the product of the spectral norms of the matrices: no slope of the leaky ReLUs
    or of tanh is above 1.
    """
    norms = [jnp.linalg.norm(kernel, 2) for kernel in layers.kernels]
    return jnp.prod(jnp.stack(norms))
