"""How a minimum moves with the image, the weights of the generator, and κ.

A minimum z on the face of the held facets satisfies two equations: h = 0 for the
pre-activations of the held units, and g + Σ λ ∇h = 0 for the gradient of the objective,
with multipliers λ. Newton's step to the solution of both is zero there. By the implicit
function theorem, the derivatives of this step by anything else than z, its matrices
held fixed, are those of the minimum, if it is strict on its face.
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from jaxgan.minima import faces
from jaxgan.minima.certificates import STATUSES, Certificate
from jaxgan.networks import FinishedGenerator
from jaxgan.types import Latent, Scalar

DEFINITE = [STATUSES.index("strict"), STATUSES.index("kink")]


def follow(
    generator: FinishedGenerator,
    state: faces.State,
    target: Float[Array, "pixels"],
    prior_weight: float | Scalar,
    certificate: Certificate,
) -> Latent:
    """Return the latent of a state, with the derivatives of the minimum there.

    Args:
        generator: its derivatives by the weights are followed.
        state: the end point.
        target: the image; likewise.
        prior_weight: κ; likewise.
        certificate: of the point. Where it is neither `strict` nor `kink`, the minimum
            may not move smoothly, and all derivatives are NaN.
    """
    state = jax.lax.stop_gradient(state)
    at = faces.local(generator, state, target, prior_weight)
    fixed = jax.lax.stop_gradient(at)
    balance = at.gradient + at.active.T @ faces.pushes(fixed, fixed.gradient)
    change = faces.newton_change(fixed._replace(units=at.units, gradient=balance))
    definite = jnp.isin(certificate.status, jnp.array(DEFINITE))
    return state.latent + _only_derivative(change, jax.lax.stop_gradient(definite))


@jax.custom_jvp
def _only_derivative(change: Array, known: Bool[Array, ""]) -> Array:
    """Return zeros with the derivative of `change`, or with NaN where not known."""
    del known
    return jnp.zeros_like(change)


@_only_derivative.defjvp
def _(primals, tangents):
    change, known = primals
    factor = jnp.where(known, 1.0, jnp.nan).astype(change.dtype)
    return jnp.zeros_like(change), factor * tangents[0]
