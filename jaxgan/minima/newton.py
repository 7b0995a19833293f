"""Newton's method on a rounded network whose corners are sharpened step by step.

Thousands of kinks cross the way to a minimum. The gradient jumps at each of them, which
stops every method that relies on derivatives. So the search runs on the network of
`jaxgan.networks.rounded`, and the width of its corners goes to 0 as fast as whole
Newton steps can follow the minimum.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Float

from jaxgan.networks.piecewise import Layers, error_derivatives
from jaxgan.networks.rounded import image, rounded_leaky_relu
from jaxgan.types import Latent, Scalar

LENGTHS = (1.0, 0.5, 0.25, 0.1, 0.03, 0.01, 0.001, 0.0)
"""Lengths that a step tries, as parts of the Newton step."""
LEAST_CURVATURE = 1e-9
"""Least curvature that a step trusts, in units of the largest."""
ROUNDING = 8
"""Rounding error of a value, in units in its last place."""


class State(NamedTuple):
    """A point near a minimum of the rounded network.

    Attributes:
        latent: the point.
        width: width w of the corners there, in the units of the pre-activations.
    """

    latent: Latent
    width: Scalar


def value(
    layers: Layers,
    latent: Latent,
    target: Float[Array, "pixels"],
    width: Scalar,
    prior_weight: float | Scalar = 0.0,
) -> Scalar:
    """Return ½‖G(z) − x‖² + ½κ‖z‖² of the rounded network, κ the prior weight."""
    residual = image(layers, latent, width) - target
    return 0.5 * (residual @ residual + prior_weight * (latent @ latent))


def expansion(
    layers: Layers,
    latent: Latent,
    target: Float[Array, "pixels"],
    width: Scalar,
    prior_weight: float | Scalar = 0.0,
) -> tuple[Float[Array, "latent"], Float[Array, "latent latent"]]:
    """Return gradient and exact Hessian of `value`.

    To the curvature of tanh and of the loss the Hessian adds Σ δ h″(a) ∇a ∇aᵀ over all
    units: h is the rounded activation, a the pre-activation of a unit, and δ the signal
    that arrives at its activation.
    """
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
    """Return the state after the best of several lengths of a Newton step.

    Curvatures are made positive. If the whole step is the best one, the minimum is so
    near that it can be followed to sharper corners: the width is multiplied by
    `sharpening`.
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
    # A predicted decrease within the rounding of the value cannot choose a length.
    rounding = ROUNDING * jnp.finfo(latent.dtype).eps * found[-1]
    whole = (lengths[best] == 1) | (-gradient @ change <= rounding)
    return State(
        jnp.where(jnp.isfinite(moved), moved, latent),
        jnp.where(whole, sharpening * width, width),
    )


def sharpen(
    layers: Layers,
    state: State,
    target: Float[Array, "pixels"],
    least_width: float,
    sharpening: float,
    num_steps: int,
    prior_weight: float | Scalar = 0.0,
) -> State:
    """Return the state after steps that follow a minimum while the corners sharpen.

    Args:
        layers: of the network.
        state: where to begin.
        target: in the networks' units.
        least_width: no more steps are taken once the width is at most this.
        sharpening: factor of the width, below 1, after each whole Newton step.
        num_steps: greatest number of steps.
        prior_weight: κ of an additional ½κ‖z‖².
    """

    def body(_, state: State) -> State:
        after = step(layers, state, target, sharpening, prior_weight)
        return optax.tree.where(state.width <= least_width, state, after)

    return jax.lax.fori_loop(0, num_steps, body, state)
