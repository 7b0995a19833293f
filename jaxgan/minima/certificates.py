"""The proof that a point is a local minimum of ½‖G(z) − x‖² + ½κ‖z‖², or why not."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from jaxgan.minima import faces
from jaxgan.networks import FinishedGenerator
from jaxgan.networks.piecewise import is_smooth, region
from jaxgan.types import Latent, Scalar

STATUSES = ("strict", "kink", "degenerate", "saddle", "not_stationary")
"""The names of the values of `Certificate.status`, which `certify` explains."""

FLAT = 1e-9
"""Eigenvalues smaller than this count as zero, in units of the largest."""
SMALL_STEP = 1e-7
"""A point is stationary if its Newton step is shorter than this times 1 + ‖z‖."""
DIRECTIONS = 4
"""Random directions in which the third derivative of a smooth objective is measured."""
MARGIN = 1e-7
"""Least distance of a multiplier from its bounds, relative to their difference."""


class Certificate(NamedTuple):
    """What is known of an end point.

    Attributes:
        status: index into `STATUSES`.
        gradient_norm: norm of the objective's gradient along the face of the held
            facets.
        newton_length: length of the Newton step on the face.
        radius: radius of a ball around the point that only held facets enter.
        eigenvalues: of the Hessian on the face, ascending; infinite for the directions
            that lead off the face.
        nullity: number of zero eigenvalues.
        num_held: number of facets that the point is held on.
        margin: least distance of a multiplier from its bounds, relative to their
            difference; 1/2 without held facets, negative if a facet does not attract.
    """

    status: Int[Array, ""]
    gradient_norm: Scalar
    newton_length: Scalar
    radius: Scalar
    eigenvalues: Float[Array, "latent"]
    nullity: Int[Array, ""]
    num_held: Int[Array, ""]
    margin: Scalar


def certify(
    generator: FinishedGenerator,
    state: faces.State,
    target: Float[Array, "pixels"],
    prior_weight: float | Scalar = 0.0,
) -> Certificate:
    """Return what an end point is; to be computed in double precision.

    The objective on the face is smooth in the ball of radius `radius`. Let η be the
    length of the Newton step, μ the least eigenvalue, and K a Lipschitz constant of the
    Hessian in the ball of radius 2η. Then K η / μ < ½ and 2η < `radius` prove a minimum
    on the face within 2η (theorem of Newton and Kantorovich). If all multipliers are
    inside their bounds, it is also a minimum of the whole objective, which rises at
    first order off the face.

    For a smooth generator K is not a bound but an estimate at the point, and the
    certificate is as good as that (`estimated_lipschitz`).

    - `strict`: a strict local minimum that no facet touches.
    - `kink`: a strict local minimum on the facets that are held.
    - `degenerate`: stationary, with a flat direction, dependent facets, or a
      multiplier at its bound.
    - `saddle`: stationary, with a direction of negative curvature.
    - `not_stationary`: none of these, or not proved to be one of them.

    Args:
        generator: in double precision.
        state: the end point.
        target: in the generator's units.
        prior_weight: κ of the additional ½κ‖z‖².
    """
    at = faces.local(generator, state, target, prior_weight)
    values, vectors, on_face = faces.tangent(at)
    along = jnp.where(on_face, vectors.T @ at.gradient, 0.0)
    largest = jnp.max(jnp.where(on_face, jnp.abs(values), 0.0))
    flat = on_face & (jnp.abs(values) <= FLAT * largest)
    newton = jnp.sqrt(
        jnp.sum(
            jnp.where(on_face & ~flat, along / jnp.where(flat, 1, values), 0.0) ** 2
        )
    )
    least = jnp.min(jnp.where(on_face, values, jnp.inf))

    norms = jnp.sqrt(jnp.sum(at.normals * at.normals, 1))
    distances = jnp.where(state.held, jnp.inf, jnp.abs(at.units) / norms)
    radius = jnp.min(distances, initial=jnp.inf)
    if is_smooth(generator):
        bound = estimated_lipschitz(generator, state.latent, target)
    else:
        bound = hessian_lipschitz(generator, state, 2 * newton)

    pushes, bounds = faces.multipliers(generator, state, at, at.gradient)
    ratio = jnp.where(state.held, pushes / bounds, 0.5)
    margin = jnp.where(
        jnp.any(state.held & (bounds <= 0)),
        -jnp.inf,
        jnp.min(jnp.minimum(ratio, 1 - ratio), initial=0.5),
    )
    # 1 / ‖inverse‖ is at most the least eigenvalue; NaN counts as dependent.
    lengths = jnp.sum(at.active * at.active)
    dependent = ~(jnp.sqrt(jnp.sum(at.inverse**2)) * FLAT * (1 + lengths) < 1)
    stationary = newton < SMALL_STEP * (1 + jnp.sqrt(state.latent @ state.latent))
    nullity = jnp.sum(flat)
    proved = (2 * newton < radius) & (bound * newton < 0.5 * least)
    num_held = jnp.sum(state.held)
    status = jnp.select(
        [
            ~stationary | (margin < -MARGIN),
            least < -FLAT * largest,
            (nullity > 0) | dependent | (margin < MARGIN),
            proved & (num_held == 0),
            proved,
        ],
        [
            STATUSES.index("not_stationary"),
            STATUSES.index("saddle"),
            STATUSES.index("degenerate"),
            STATUSES.index("strict"),
            STATUSES.index("kink"),
        ],
        STATUSES.index("not_stationary"),
    )
    return Certificate(
        status=status,
        gradient_norm=jnp.sqrt(along @ along),
        newton_length=newton,
        radius=radius,
        eigenvalues=jnp.where(on_face, values, jnp.inf),
        nullity=nullity,
        num_held=num_held,
        margin=margin,
    )


def hessian_lipschitz(
    generator: FinishedGenerator, state: faces.State, radius: Scalar
) -> Scalar:
    """Return a Lipschitz constant of the Hessian in a ball that only held facets enter.

    The error is Σ fₖ(aₖ·z + cₖ) with f(u) = ½(φ(u) − x)², φ the output function. So
    ‖Aᵀ diag(bₖ ‖aₖ‖) A‖ is such a constant, bₖ the bound of |f‴| in the ball.
    """
    here = region(generator, state.latent, state.positive & ~state.held)
    norms = jnp.sqrt(jnp.sum(here.jacobian * here.jacobian, 1))
    nearest = jnp.maximum(jnp.abs(here.logits) - norms * radius, 0.0)
    bounds = generator.network.output.third(nearest)
    weighted = here.jacobian.T @ ((bounds * norms)[:, None] * here.jacobian)
    return jnp.linalg.eigvalsh(weighted)[-1]


def estimated_lipschitz(
    generator: FinishedGenerator, latent: Latent, target: Float[Array, "pixels"]
) -> Scalar:
    """Return an estimate of how fast the Hessian of a smooth objective changes.

    The Frobenius norm of the third derivative, which is at least its greatest change in
    any direction, is estimated from its mean square in a few random directions.
    """
    dimension = len(latent)

    def change(direction: Latent) -> Scalar:
        hessian = jax.hessian(lambda z: faces.value(generator, z, target))
        moved = jax.jvp(hessian, (latent,), (direction,))[1]
        return jnp.sum(moved * moved)

    drawn = jax.random.normal(
        jax.random.key(0), (DIRECTIONS, dimension), dtype=latent.dtype
    )
    units = drawn / jnp.linalg.norm(drawn, axis=1, keepdims=True)
    return jnp.sqrt(dimension * jnp.mean(jax.lax.map(change, units)))
