"""From a point to the exact local minimum near it, as a pure function."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from jaxgan.minima import certificates, faces, facets, implicit, newton
from jaxgan.minima.certificates import Certificate
from jaxgan.networks import FinishedGenerator, arguments
from jaxgan.networks.piecewise import is_smooth, require_kinks, units_at
from jaxgan.types import Example, Latent, Scalar


class Phase(NamedTuple):
    """One part of the sharpening, computed in one floating-point precision.

    Attributes:
        least_width: width of corners that are sharp enough.
        sharpening: factor of the width each time that the minimum is near.
        near: how near that is; see `newton.sharpen`.
        steps: greatest number of steps; after each a driver compares points.
    """

    least_width: float
    sharpening: float
    near: float
    steps: int


FIRST_WIDTH = 0.01
SINGLE = Phase(1e-3, 0.1, 1e-5, 8)
DOUBLE = Phase(1e-6, 0.01, 1e-8, 24)
FACET_STEPS = 5
"""Steps of a round on facets, after which a driver looks who is finished."""
FACET_ROUNDS = 8
"""Greatest number of rounds on facets."""
NEAR = 1e-5
"""After the sharpening, a pre-activation this close to zero is on its unit's facet."""


class Minimum(NamedTuple):
    """The point where the search has settled.

    Attributes:
        latent: the point. Its derivatives by the image, the weights of the generator
            and κ are those of the minimum, which moves with them (`implicit`); they are
            NaN where the certificate is neither `strict` nor `kink`.
        error: mean squared error per pixel, for pixels in [0, 1].
        held: the units on whose facets the point is held.
        certificate: what is proved of the point.
    """

    latent: Latent
    error: Scalar
    held: Bool[Array, "units"]
    certificate: Certificate


def settle(
    generator: FinishedGenerator,
    latent: Latent,
    target: Example,
    *,
    prior_weight: float | Scalar = 0.0,
) -> Minimum:
    """Move a point to a local minimum near it and certify it, in double precision.

    It is a pure function: `jax.jit` compiles it, `jax.vmap` maps it over points,
    images, weights and κ, and `jax.grad` differentiates the minimum by the image, the
    weights and κ. `settle_many` settles many points and merges those that meet.

    Args:
        generator: whose kinks are declared.
        latent: where to begin; see `settle_many`.
        target: in the generator's units.
        prior_weight: κ ≥ 0 of an additional ½κ‖z‖².

    Raises:
        ValueError: if the generator does not declare its kinks, the point is no code of
            it, the target no image of its shape (and of its range, where its pixels
            are known), κ is negative, or double precision is not enabled.
    """
    require_kinks(generator)
    if jax.dtypes.canonicalize_dtype(np.float64) != np.float64:
        raise ValueError(
            "settle needs double precision: call it inside `with jax.enable_x64(True):`"
        )
    arguments.require_weight("prior_weight", prior_weight)
    latent = jnp.asarray(arguments.codes("latent", latent, generator))
    target = jnp.asarray(arguments.images("target", target, generator))
    exact = generator.as_type(jnp.float64)
    image = target.reshape(-1).astype(jnp.float64)
    weight = jnp.asarray(prior_weight, jnp.float64)
    fixed = jax.lax.stop_gradient((exact, image, weight))
    state = _descend(*fixed, jax.lax.stop_gradient(latent))
    certificate = certificates.certify(fixed[0], state, *fixed[1:])
    code = implicit.follow(exact, state, image, weight, certificate)
    error = faces.mean_squared_error(exact, code, image)
    return Minimum(code, error, state.held, certificate)


def _descend(
    generator: FinishedGenerator, target: Array, prior_weight: Scalar, latent: Latent
) -> faces.State:
    """Return the last state of all phases, one after another."""
    smooth = newton.State(
        latent.astype(jnp.float32), jnp.asarray(FIRST_WIDTH, jnp.float32)
    )
    single = generator.as_type(jnp.float32), target.astype(jnp.float32)
    smooth = sharpen(
        SINGLE, *single, prior_weight.astype(jnp.float32), smooth, SINGLE.steps
    )
    smooth = sharpen(
        DOUBLE, generator, target, prior_weight, in_double(smooth), DOUBLE.steps
    )
    state = begin(generator, smooth.latent)
    return advance(generator, target, prior_weight, state, FACET_ROUNDS)


def in_double(state: newton.State) -> newton.State:
    """Return the first state of the second phase, from the last one of the first."""
    return newton.State(
        state.latent.astype(jnp.float64),
        jnp.maximum(state.width.astype(jnp.float64), SINGLE.least_width),
    )


def sharpen(
    phase: Phase,
    generator: FinishedGenerator,
    target: Float[Array, "pixels"],
    prior_weight: float | Scalar,
    state: newton.State,
    steps: int = 1,
) -> newton.State:
    """Return the state after Newton steps while the corners sharpen."""
    return newton.sharpen(
        generator,
        state,
        target,
        phase.least_width,
        phase.sharpening,
        phase.near,
        steps,
        prior_weight,
    )


def begin(generator: FinishedGenerator, latent: Latent) -> faces.State:
    """Return the first state on facets: those that the point is near are held.

    Without facets it is the last one.
    """
    units = units_at(generator, latent)
    near = jnp.abs(units) < NEAR
    crowded = jnp.sum(near) > len(latent)
    finished = jnp.array(is_smooth(generator))
    return faces.State(latent, units > 0, near & ~crowded, finished)


def advance(
    generator: FinishedGenerator,
    target: Float[Array, "pixels"],
    prior_weight: float | Scalar,
    state: faces.State,
    rounds: int = 1,
) -> faces.State:
    """Return the state after rounds of steps on facets, fewer if it is finished."""
    if is_smooth(generator):
        return state

    def going(carry) -> Array:
        count, state = carry
        return (count < rounds * FACET_STEPS) & ~state.finished

    def body(carry):
        count, state = carry
        return count + 1, facets.step(generator, state, target, prior_weight)

    return jax.lax.while_loop(going, body, (0, state))[1]
