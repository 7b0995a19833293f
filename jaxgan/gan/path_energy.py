"""A penalty on log ρ, the normalised least energy of paths between two codes.

For codes z_a, z_b from the prior, with their generated images x = G(z),

    ρ = min over Z of U(Z) / (½ ‖x_a − x_b‖² ‖z_a − z_b‖²),

with the energy U of `jaxgan.paths.energy`. Neither contrast nor scale of the latent
space change ρ. By the envelope theorem its gradient by the weights is that at the
minimising path, held fixed. The images at the ends depend on the weights too, and the
gradient does flow through them: only the path is a minimiser.
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from jaxgan.gan.regularisation import Penalty
from jaxgan.networks import FinishedGenerator, Generator
from jaxgan.paths.conformal import Matrix, between_images, image_metric, least_value
from jaxgan.paths.curves import Path, line
from jaxgan.paths.energy import Weights, squared_lengths
from jaxgan.paths.laplacian import decompose
from jaxgan.paths.quasi_newton import lbfgs
from jaxgan.types import Examples, Latents, Params, PRNGKey, Scalar

CURVATURE_RATE = 0.1
"""Share of the newest sample in the running mean of the curvature."""

Paths = Float[Array, "pairs knots latent"]


class Walks(NamedTuple):
    """Paths that are minimised further at every use, while the generator trains.

    Attributes:
        paths: each is the straight line when its pair is drawn; every use goes on from
            where the one before has left it.
        curvature: running mean of 4 JᵀJ at their middles, to precondition with.
        uses: number of uses of the penalty so far.
    """

    paths: Paths
    curvature: Matrix
    uses: Int[Array, ""]


def path_energy_penalty(
    generator: Generator,
    *,
    pairs: int = 8,
    renewed: int = 2,
    segments: int = 8,
    steps: int = 8,
    folding_latents: int = 128,
) -> Penalty:
    """Return the penalty: the mean of log ρ over pairs of codes from the prior.

    It is computed with the batch-normalisation of the generator folded, as paths are
    after training.

    Args:
        generator: the generator that is trained.
        pairs: number of pairs whose paths are kept.
        renewed: how many of these are drawn anew at every use, in turn.
        segments: number of segments of each path.
        steps: steps of the minimiser for each path at every use, each with one
            evaluation of the path's gradient; 0 is a penalty on straight lines.
        folding_latents: number of latents that the statistics of batch-normalisation
            are taken over.

    Raises:
        ValueError: if a number is out of range.
    """
    if not 1 <= renewed <= pairs:
        raise ValueError(f"renewed must be in 1…pairs, got {renewed} of {pairs}")
    if segments < 2 or steps < 0 or folding_latents < 2:
        raise ValueError(
            "segments and folding_latents must be ≥ 2 and steps ≥ 0, got "
            f"{segments}, {folding_latents} and {steps}"
        )
    dim = generator.latent_dim

    def init() -> Walks:
        return Walks(
            jnp.zeros((pairs, segments + 1, dim)),
            jnp.zeros((dim, dim)),
            jnp.zeros((), jnp.int32),
        )

    def apply(params: Params, key: PRNGKey, walks: Walks) -> tuple[Scalar, Walks]:
        fold_key, pair_key, share_key = jax.random.split(key, 3)
        latents = jax.random.normal(fold_key, (folding_latents, dim))
        folded = generator.fold(params, latents)
        fixed = jax.lax.stop_gradient(folded)
        walks = redraw(pair_key, walks, renewed)
        if steps:
            walks = advance(fixed, walks, steps)
        # Fixed points of quadrature would be learned: λ would be low just there.
        shares = jax.random.uniform(share_key, (pairs, segments))
        scores = log_rho(folded.generate, walks.paths, shares)
        return jnp.mean(scores), walks._replace(uses=walks.uses + 1)

    return Penalty(init, apply)


def log_rho(
    generate: Callable[[Latents], Examples],
    paths: Paths,
    shares: Float[Array, "pairs segments"],
) -> Float[Array, "pairs"]:
    """Return log ρ of each path as it is, the images at its ends generated.

    Args:
        generate: from latents to images.
        paths: any paths; ρ is the normalised energy of each.
        shares: the place in each segment where λ is evaluated, from 0 to 1. ½ is the
            midpoint rule; uniform random numbers make the energy (not its logarithm) an
            unbiased estimate of that of the polygon.
    """

    def one(path: Path, share: Weights) -> Scalar:
        image_a, image_b = generate(jnp.stack([path[0], path[-1]]))
        moves = jnp.diff(path, axis=0)
        values = image_metric(generate, image_a, image_b)(
            path[:-1] + share[:, None] * moves
        )
        energy = len(moves) * jnp.sum(values * squared_lengths(path))
        distance = path[-1] - path[0]
        least = least_value(image_a, image_b) * jnp.sum(distance * distance)
        return jnp.log(energy / least)

    return jax.vmap(one)(paths, shares)


def redraw(key: PRNGKey, walks: Walks, renewed: int) -> Walks:
    """Return the paths, the oldest pairs drawn anew; all of them at the first use."""
    pairs, knots, dim = walks.paths.shape
    numbers = jnp.arange(pairs, dtype=walks.uses.dtype)
    due = (numbers - walks.uses * renewed) % pairs < renewed

    def draw(number: Array) -> Path:
        own = jax.random.fold_in(key, number)
        ends = jax.random.normal(own, (2, dim), walks.paths.dtype)
        return line(ends[0], ends[1], knots - 1)

    fresh = (due | (walks.uses == 0))[:, None, None]
    return walks._replace(paths=jnp.where(fresh, jax.vmap(draw)(numbers), walks.paths))


def advance(generator: FinishedGenerator, walks: Walks, steps: int) -> Walks:
    """Return all paths after a few preconditioned L-BFGS steps towards less energy."""
    metrics = between_images(generator)
    images = jax.vmap(generator.generate)(walks.paths[:, jnp.array([0, -1])])
    items = images[:, 0], images[:, 1]
    pairs, knots, _ = walks.paths.shape
    sampled = walks.paths[walks.uses % pairs, knots // 2]
    found = metrics.curvature((images[0, 0], images[0, 1]), sampled[None])
    rate = jnp.maximum(1 / (walks.uses + 1).astype(found.dtype), CURVATURE_RATE)
    curvature = walks.curvature + rate * (found - walks.curvature)
    model = decompose(curvature)
    method = lbfgs(memory=steps)

    def one(path: Path, item: tuple[Array, Array]) -> Path:
        def body(_, state):
            return method.step(metrics.metric_of(item), model, state)

        return jax.lax.fori_loop(0, steps, body, method.init(path)).path

    return walks._replace(paths=jax.vmap(one)(walks.paths, items), curvature=curvature)
