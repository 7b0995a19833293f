"""Newton's method through the kinks: minima of networks that become leaky ReLUs.

Thousands of facets cross the way to a minimum, and on each the gradient jumps, which
stops every method that trusts derivatives. Here the corner of the leaky ReLU is
rounded, h(a) = αa + (1 − α)(a + √(a² + w²))/2, and the width w goes to 0, as fast as
whole Newton steps can follow the minimum. The Hessian is exact: beside the curvature of
tanh and of the loss it is Σ δ h″(a) ∇a ∇aᵀ over all units, δ the signal that arrives at
the activation.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxgan.networks.piecewise import Layers, error_derivatives
from jaxgan.networks.rounded import image, rounded_leaky_relu
from jaxgan.types import Latent, Scalar

LENGTHS = (1.0, 0.5, 0.25, 0.1, 0.03, 0.01, 0.001, 0.0)
LEAST_CURVATURE = 1e-9
"""Relative to the largest eigenvalue, in absolute value."""
ROUNDING = 8
"""Units in the last place that a value is known to."""


class State(NamedTuple):
    """Where the minimum has been followed to, and the width of the corners there."""

    latent: Latent
    width: Scalar


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
        activation, slope, bend = rounded_leaky_relu(activation @ kernel + bias, width)
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
    state: State,
    target: Float[Array, "pixels"],
    sharpening: float,
    prior_weight: float | Scalar = 0.0,
) -> State:
    """Take the best of several lengths of a Newton step, curvatures made positive.

    Where the whole step is the best one, the minimum of this width is near enough to
    follow it to the next: the width is multiplied by `sharpening`.
    """
    latent, width = state
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
    # Below the rounding of the value its differences choose no length.
    rounding = ROUNDING * jnp.finfo(latent.dtype).eps * found[-1]
    whole = (lengths[best] == 1) | (-gradient @ change <= rounding)
    return State(
        jnp.where(jnp.isfinite(moved), moved, latent),
        jnp.where(whole, sharpening * width, width),
    )


def follow(
    layers: Layers,
    state: State,
    target: Float[Array, "pixels"],
    least_width: float,
    sharpening: float,
    num_steps: int,
    prior_weight: float | Scalar = 0.0,
) -> State:
    """Follow the minimum near a latent, until the corners are sharp or steps run out.

    Args:
        layers: of the network.
        state: where to begin.
        target: in the networks' units.
        least_width: no steps once the width is at most this.
        sharpening: factor of the width, below 1, after each whole Newton step.
        num_steps: most steps.
        prior_weight: κ of an additional ½κ‖z‖².
    """

    def body(_, state: State) -> State:
        after = step(layers, state, target, sharpening, prior_weight)
        return jax.tree.map(
            lambda old, new: jnp.where(state.width <= least_width, old, new),
            state,
            after,
        )

    return jax.lax.fori_loop(0, num_steps, body, state)
