"""Newton's method on a rounded network whose corners are sharpened step by step.

Thousands of kinks cross the way to a minimum. The gradient jumps at each of them, which
stops every method that relies on derivatives. So the search runs on the network of
`jaxgan.networks.rounded`, and the width of its corners goes to 0. The minimum is
followed by a predictor and a corrector (Allgower and Georg 1990, "Numerical
Continuation Methods", chapter 3): where the width is reduced, the point moves by the
derivative of the minimum by the width; then Newton's method comes back to it.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxgan.inversion import quasi_newton
from jaxgan.inversion.quasi_newton import Point
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

LEAST_CURVATURE = 1e-9
"""Least curvature that a step trusts, in units of the largest."""
CORRECTIONS = 24
"""Quasi-Newton steps with the matrix of one Newton step; each costs one gradient."""
LONGEST = 0.03
"""Greatest length of such a step, relative to 1 + ‖z‖: the minimum wanted is near."""


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
    near: float,
    prior_weight: float | Scalar = 0.0,
) -> State:
    """Return the state after one step of the corrector, or of the predictor.

    The exact Hessian, its curvatures made positive, serves for `CORRECTIONS` steps
    (`quasi_newton`). A point that is near the minimum already takes the Newton step and
    the predictor's instead: by dz/dw = −H⁻¹ ∂g/∂w, g the gradient and H the Hessian, to
    a width that is smaller by the factor `sharpening`.
    """
    latent, width = state

    def at(latent: Latent, width: Scalar) -> tuple[Scalar, Latent]:
        return jax.value_and_grad(value, 1)(
            generator, latent, target, width, prior_weight
        )

    gradient, hessian = expansion(generator, latent, target, width, prior_weight)
    _, by_width = jax.jvp(
        lambda width: at(latent, width)[1], (width,), (jnp.ones_like(width),)
    )
    curvatures, vectors = jnp.linalg.eigh(hessian)
    sizes = jnp.abs(curvatures)
    sizes = jnp.maximum(sizes, LEAST_CURVATURE * jnp.max(sizes))
    inverse = (vectors / sizes[None]) @ vectors.T
    begun = Point(
        latent, value(generator, latent, target, width, prior_weight), gradient
    )
    corrected = quasi_newton.steps(
        lambda latent: at(latent, width),
        inverse,
        begun,
        CORRECTIONS,
        LONGEST * (1 + jnp.sqrt(latent @ latent)),
    )
    change = inverse @ gradient
    sharper = sharpening * width
    predicted = latent - change - (sharper - width) * (inverse @ by_width)
    # Where the least value is 0, the decrease stays as large as the value.
    short = jnp.finfo(latent.dtype).eps * (1 + latent @ latent)
    arrived = (gradient @ change <= near * begun.value) | (change @ change <= short)
    arrived &= jnp.isfinite(predicted).all()
    return State(
        jnp.where(arrived, predicted, corrected.latent),
        jnp.where(arrived, sharper, width),
    )


def sharpen(
    generator: FinishedGenerator,
    state: State,
    target: Float[Array, "pixels"],
    least_width: float,
    sharpening: float,
    near: float,
    num_steps: int,
    prior_weight: float | Scalar = 0.0,
) -> State:
    """Return the state after steps that follow a minimum while the corners sharpen.

    Args:
        generator: in the precision of the state.
        state: where to begin.
        target: flattened, in the generator's units.
        least_width: no more steps are taken once the width is at most this.
        sharpening: factor of the width, below 1, where the minimum is near.
        near: the minimum is near if twice the decrease that a Newton step promises is
            at most this part of the value, or if the step is as short as rounding.
        num_steps: greatest number of steps.
        prior_weight: κ of an additional ½κ‖z‖².
    """

    def going(carry) -> Array:
        count, state = carry
        return (count < num_steps) & (state.width > least_width)

    def body(carry):
        count, state = carry
        return count + 1, step(generator, state, target, sharpening, near, prior_weight)

    return jax.lax.while_loop(going, body, (0, state))[1]
