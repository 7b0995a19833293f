"""Newton's method through the kinks: minima of networks that become leaky ReLUs.

Thousands of facets cross the way to a minimum, and on each the gradient jumps, which
stops every method that trusts derivatives. Here the corner of the leaky ReLU is
rounded, h(a) = αa + (1 − α)(a + √(a² + w²))/2, and the width w goes to 0 while Newton
steps follow the minimum. The Hessian is exact: beside the curvature of tanh and of the
loss it is Σ δ h″(a) ∇a ∇aᵀ over all units, δ the signal that arrives at the activation.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxgan.networks import NEGATIVE_SLOPE
from jaxgan.regions import Layers, error_derivatives, layers_of
from jaxgan.types import Latent, Latents, Params, Scalar

Rounded = Callable[[Latents, Scalar], Float[Array, "batch pixels"]]
"""A generator with corners of a given width."""

LENGTHS = (1.0, 0.5, 0.25, 0.1, 0.03, 0.01, 0.001, 0.0)
LEAST_CURVATURE = 1e-9
"""Relative to the largest eigenvalue, in absolute value."""


def rounded(unit: Float[Array, "*units"], width: Scalar) -> tuple[Array, Array, Array]:
    """Give the rounded leaky ReLU and its first two derivatives."""
    root = jnp.sqrt(unit * unit + width * width)
    jump = 0.5 * (1 - NEGATIVE_SLOPE)
    return (
        NEGATIVE_SLOPE * unit + jump * (unit + root),
        NEGATIVE_SLOPE + jump * (1 + unit / root),
        jump * (width / root) ** 2 / root,
    )


def rounded_generator(params: Params) -> Rounded:
    """Make the rounded form of a folded fully connected generator.

    Raises:
        ValueError: if the weights are of another kind of network.
    """
    layers = layers_of(params)

    def generate(latents: Latents, width: Scalar) -> Float[Array, "batch pixels"]:
        weights = jax.tree.map(lambda w: w.astype(latents.dtype), layers)
        return jax.vmap(lambda latent: image(weights, latent, width))(latents)

    return generate


def image(layers: Layers, latent: Latent, width: Scalar) -> Float[Array, "pixels"]:
    """Evaluate the rounded network."""
    activation = latent
    for kernel, bias in zip(layers.kernels[:-1], layers.biases[:-1], strict=True):
        activation = rounded(activation @ kernel + bias, width)[0]
    return jnp.tanh(activation @ layers.kernels[-1] + layers.biases[-1])


def value(
    layers: Layers,
    latent: Latent,
    target: Float[Array, "pixels"],
    width: Scalar,
    prior_weight: float | Scalar = 0.0,
) -> Scalar:
    """½‖G(z) − x‖² + ½κ‖z‖² of the rounded network."""
    residual = image(layers, latent, width) - target
    return 0.5 * (residual @ residual + prior_weight * (latent @ latent))


def expansion(
    layers: Layers,
    latent: Latent,
    target: Float[Array, "pixels"],
    width: Scalar,
    prior_weight: float | Scalar = 0.0,
) -> tuple[Float[Array, "latent"], Float[Array, "latent latent"]]:
    """Gradient and exact Hessian of `value`."""
    identity = jnp.eye(len(latent), dtype=latent.dtype)
    activation, jacobian = latent, identity
    passed = []
    for kernel, bias in zip(layers.kernels[:-1], layers.biases[:-1], strict=True):
        normals = kernel.T @ jacobian
        activation, slope, bend = rounded(activation @ kernel + bias, width)
        jacobian = slope[:, None] * normals
        passed.append((normals, slope, bend))
    jacobian = layers.kernels[-1].T @ jacobian
    logits = activation @ layers.kernels[-1] + layers.biases[-1]
    output, curvature = error_derivatives(logits, target)
    hessian = jacobian.T @ (curvature[:, None] * jacobian) + prior_weight * identity
    signal = layers.kernels[-1] @ output
    for kernel, (normals, slope, bend) in zip(
        layers.kernels[-2::-1], passed[::-1], strict=True
    ):
        hessian = hessian + normals.T @ ((signal * bend)[:, None] * normals)
        signal = kernel @ (slope * signal)
    return jacobian.T @ output + prior_weight * latent, hessian


def step(
    layers: Layers,
    latent: Latent,
    target: Float[Array, "pixels"],
    width: Scalar,
    prior_weight: float | Scalar = 0.0,
) -> Latent:
    """Take the best of several lengths of a Newton step, curvatures made positive."""
    gradient, hessian = expansion(layers, latent, target, width, prior_weight)
    values, vectors = jnp.linalg.eigh(hessian)
    sizes = jnp.abs(values)
    sizes = jnp.maximum(sizes, LEAST_CURVATURE * jnp.max(sizes))
    change = -vectors @ ((vectors.T @ gradient) / sizes)
    lengths = jnp.array(LENGTHS, latent.dtype)
    found = jax.vmap(
        lambda t: value(layers, latent + t * change, target, width, prior_weight)
    )(lengths)
    best = jnp.argmin(jnp.where(jnp.isfinite(found), found, jnp.inf))
    moved = latent + lengths[best] * change
    return jnp.where(jnp.isfinite(moved), moved, latent)


def descend(
    layers: Layers,
    latent: Latent,
    target: Float[Array, "pixels"],
    widths: Float[Array, "steps"],
    prior_weight: float | Scalar = 0.0,
) -> Latent:
    """Follow the minimum near a latent while corners sharpen, a step at each width."""
    return jax.lax.scan(
        lambda z, w: (step(layers, z, target, w, prior_weight), None), latent, widths
    )[0]
