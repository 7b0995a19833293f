"""Exact local minima near many points, driven from the host; points that meet merge."""

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from jaxgan.minima import certificates, faces, newton
from jaxgan.minima.certificates import STATUSES, Certificate
from jaxgan.minima.settling import (
    DOUBLE,
    FACET_ROUNDS,
    FACET_STEPS,
    FIRST_WIDTH,
    SINGLE,
    advance,
    begin,
    in_double,
)
from jaxgan.minima.sharpening import in_precision, is_leader, sharpen_all
from jaxgan.networks import FinishedGenerator, arguments
from jaxgan.networks.piecewise import require_kinks
from jaxgan.parallel.chunks import advance_in_chunks, evaluate_in_chunks
from jaxgan.types import Scalar


class Settled(NamedTuple):
    """The points where the search has settled.

    Attributes:
        latents: the points, in double precision.
        errors: mean squared error per pixel, for pixels in [0, 1].
        held: the units on whose facets each point is held.
        steps: number of steps with rounded corners in single precision, of those in
            double precision, and of steps on facets. A point that has merged with an
            earlier one takes no further steps of its own.
        certificates: arrays with one entry for each point.
    """

    latents: Float[np.ndarray, "n latent"]
    errors: Float[np.ndarray, "n"]
    held: Bool[np.ndarray, "n units"]
    steps: Int[np.ndarray, "3 n"]
    certificates: Certificate

    def share(self, status: str) -> float:
        """Return the share of points whose status is this one of `STATUSES`."""
        return float(np.mean(self.certificates.status == STATUSES.index(status)))


def settle_many(
    generator: FinishedGenerator,
    latents: Float[np.ndarray, "n latent"],
    targets: Float[np.ndarray, "m *shape"],
    owners: Int[np.ndarray, "n"],
    *,
    prior_weight: float = 0.0,
    chunk: int = 32,
) -> Settled:
    """Move each point to a local minimum near it and certify it, in double precision.

    Newton's method on a network with rounded corners, which sharpen, leads to the
    minimum (`newton`), an active-set method ends exactly on it (`facets`), and
    `certificates` proves what it is. A point whose steps run out has the status
    `not_stationary`. Points of one target that meet while the corners sharpen are
    merged.

    Args:
        generator: whose kinks are declared.
        latents: where to begin; all finite. Best are minima of the network whose
            corners are rounded to a width of 0.01: what `inversion.invert_many` finds
            with `double_steps=0`.
        targets: in the generator's units.
        owners: number of the target of each point.
        prior_weight: κ ≥ 0 of an additional ½κ‖z‖². Without it most minima of a trained
            generator are far outside its prior, at the end of flat valleys, and many
            points do not reach them.
        chunk: points advanced at a time; bounds the memory.

    Raises:
        ValueError: if the generator does not declare its kinks, the points are not
            finite codes of it, the targets no images of its shape and range, or an
            owner is not the number of a target.
    """
    require_kinks(generator)
    latents = np.asarray(arguments.codes("latents", latents, generator, "n"))
    targets = np.asarray(arguments.images("targets", targets, generator, "m"))
    owners = np.asarray(owners)
    if owners.shape != (len(latents),) or not np.issubdtype(owners.dtype, np.integer):
        raise ValueError(
            f"expected owners [{len(latents)}] of whole numbers, got {owners.dtype} "
            f"{list(owners.shape)}"
        )
    if owners.min() < 0 or owners.max() >= len(targets):
        raise ValueError(
            f"expected owners in 0…{len(targets) - 1}, got {owners.min()} to "
            f"{owners.max()}"
        )
    if not np.isfinite(latents).all():
        bad = np.flatnonzero(~np.isfinite(latents).all(1))[0]
        raise ValueError(f"latents: row {bad} is not finite")
    arguments.require_weight("prior_weight", prior_weight)
    smooth = newton.State(
        jnp.asarray(latents, jnp.float32),
        jnp.full(len(latents), FIRST_WIDTH, jnp.float32),
    )
    leaders = np.arange(len(latents))
    sharpen = partial(
        sharpen_all, generator, targets, owners, prior_weight=prior_weight, chunk=chunk
    )
    smooth, leaders, single = sharpen(smooth, leaders, SINGLE)
    with jax.enable_x64(True):
        smooth = in_double(smooth)
        smooth, leaders, double = sharpen(smooth, leaders, DOUBLE)
        exact, flat = in_precision(jnp.float64, generator, targets)
        states = _begin(exact, jnp.asarray(smooth.latent))
        move = partial(_advance, exact, flat, prior_weight)
        steps = np.zeros(len(latents), int)
        for _ in range(FACET_ROUNDS):
            active = is_leader(leaders) & ~np.asarray(states.finished)
            if not active.any():
                break
            states = advance_in_chunks(move, states, owners, active, chunk=chunk)
            steps += FACET_STEPS * active
        (chosen,) = np.nonzero(is_leader(leaders))
        led = jax.tree.map(lambda leaf: np.asarray(leaf)[chosen], (states, owners))
        certify = partial(_certify, exact, flat, prior_weight)
        certified = evaluate_in_chunks(certify, led, chunk=chunk)
    of_leader = np.searchsorted(chosen, leaders)
    errors, found = jax.tree.map(lambda leaf: leaf[of_leader], certified)
    return Settled(
        np.asarray(states.latent)[leaders],
        errors,
        np.asarray(states.held)[leaders],
        np.stack([single, double, steps]),
        found,
    )


@jax.jit
def _begin(generator: FinishedGenerator, points: Array):
    return jax.lax.map(partial(begin, generator), points, batch_size=1000)


@jax.jit
def _advance(
    generator: FinishedGenerator,
    targets: Array,
    prior_weight: Scalar,
    states: faces.State,
    owners: Array,
):
    def one(state: faces.State, owner: Array) -> faces.State:
        return advance(generator, targets[owner], prior_weight, state)

    return jax.vmap(one)(states, owners)


@jax.jit
def _certify(
    generator: FinishedGenerator,
    targets: Array,
    prior_weight: Scalar,
    states: faces.State,
    owners: Array,
):
    def one(state: faces.State, owner: Array) -> tuple[Array, Certificate]:
        target = targets[owner]
        certificate = certificates.certify(generator, state, target, prior_weight)
        error = faces.mean_squared_error(generator, state.latent, target)
        return error, certificate

    return jax.vmap(one)(states, owners)
