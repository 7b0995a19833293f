"""Newton's method on a rounded network whose corners are sharpened step by step.

Thousands of kinks cross the way to a minimum. The gradient jumps at each of them, which
stops every method that relies on derivatives. So the search runs on the network of
`jaxgan.networks.rounded`, and the width of its corners goes to 0 as fast as whole
Newton steps can follow the minimum.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxgan.networks import FinishedGenerator, generate_rounded
from jaxgan.networks.piecewise import (
    curvature_of_logits,
    error_derivatives,
    evaluate,
    num_units,
    require_kinks,
)
from jaxgan.networks.rounded import rounded_leaky_relu
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
    generator: FinishedGenerator,
    latent: Latent,
    target: Float[Array, "pixels"],
    width: Scalar,
    prior_weight: float | Scalar = 0.0,
) -> Scalar:
    """Return ½‖G(z) − x‖² + ½κ‖z‖² of the rounded network, κ the prior weight."""
    image = generate_rounded(generator, latent[None], width).reshape(-1)
    residual = image - target
    return 0.5 * (residual @ residual + prior_weight * (latent @ latent))


def expansion(
    generator: FinishedGenerator,
    latent: Latent,
    target: Float[Array, "pixels"],
    width: Scalar,
    prior_weight: float | Scalar = 0.0,
) -> tuple[Float[Array, "latent"], Float[Array, "latent latent"]]:
    """Return gradient and exact Hessian of `value`.

    To the curvature of the output and of the loss the Hessian adds Σ δ h″(a) ∇a ∇aᵀ
    over all units: h is the rounded activation, a the pre-activation of a unit, and δ
    the signal that arrives at its activation.
    """
    slope = require_kinks(generator)
    identity = jnp.eye(len(latent), dtype=latent.dtype)

    def at(latent: Latent, added: Array) -> tuple[Array, Array]:
        def activate(units: Array, some: slice) -> Array:
            return rounded_leaky_relu(slope, units, width)[0] + added[some]

        return evaluate(generator, latent, activate)

    nothing = jnp.zeros((num_units(generator, latent),), latent.dtype)
    (units, logits), push = jax.linearize(lambda z: at(z, nothing), latent)
    normals, jacobian = jax.vmap(push, out_axes=1)(identity)
    output, curvature = error_derivatives(generator.network.output, logits, target)
    arriving = jax.grad(lambda added: at(latent, added)[1] @ output)(nothing)
    bends = arriving * rounded_leaky_relu(slope, units, width)[2]
    hessian = jacobian.T @ (curvature[:, None] * jacobian) + prior_weight * identity
    hessian = hessian + normals.T @ (bends[:, None] * normals)
    hessian = hessian + curvature_of_logits(generator, latent, output)
    return jacobian.T @ output + prior_weight * latent, hessian


def step(
    generator: FinishedGenerator,
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
    gradient, hessian = expansion(generator, latent, target, width, prior_weight)
    values, vectors = jnp.linalg.eigh(hessian)
    sizes = jnp.abs(values)
    sizes = jnp.maximum(sizes, LEAST_CURVATURE * jnp.max(sizes))
    change = -vectors @ ((vectors.T @ gradient) / sizes)
    lengths = jnp.array(LENGTHS, latent.dtype)
    found = jax.vmap(
        lambda t: value(generator, latent + t * change, target, width, prior_weight)
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
    generator: FinishedGenerator,
    state: State,
    target: Float[Array, "pixels"],
    least_width: float,
    sharpening: float,
    num_steps: int,
    prior_weight: float | Scalar = 0.0,
) -> State:
    """Return the state after steps that follow a minimum while the corners sharpen.

    Args:
        generator: in the precision of the state.
        state: where to begin.
        target: flattened, in the generator's units.
        least_width: no more steps are taken once the width is at most this.
        sharpening: factor of the width, below 1, after each whole Newton step.
        num_steps: greatest number of steps.
        prior_weight: κ of an additional ½κ‖z‖².
    """

    def going(carry) -> Array:
        count, state = carry
        return (count < num_steps) & (state.width > least_width)

    def body(carry):
        count, state = carry
        return count + 1, step(generator, state, target, sharpening, prior_weight)

    return jax.lax.while_loop(going, body, (0, state))[1]
