"""The penalty of generators whose paths are dear: log ρ of paths of least energy.

For codes z_a, z_b from the prior, with images x = G(z) of their own,

    ρ = min over Z of U(Z) / (½ ‖x_a − x_b‖² ‖z_a − z_b‖²),    U as in `jaxgan.paths.energy`.

Neither contrast nor scale of the latent space change ρ. By the envelope theorem its
gradient by the weights is that at the minimising path, held fixed. The images at the
ends depend on the weights too, and there the gradient does flow: only the path is a
minimiser.
"""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from jaxgan.gan.regularisation import Penalty
from jaxgan.networks import Generator
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
    """Paths that are still being minimised while the generator trains.

    Attributes:
        paths: each starts from the straight line when its pair is drawn, and from
            where it was left at every later use.
        curvature: running mean of 4 JᵀJ at their middles, to precondition with.
        uses: of the penalty so far.
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
    """Make the penalty: mean log ρ over pairs of codes from the prior.

    Paths are walked in the network that will be walked in after training, the one
    with its batch-normalisation folded.

    Args:
        generator: that is trained.
        pairs: whose paths are kept.
        renewed: of these, drawn anew at every use, in turn.
        segments: of each path.
        steps: evaluations of a path's gradient at every use, a step of the minimiser
            after each; 0: the penalty of straight lines.
        folding_latents: to take the batch-normalisation's statistics over.

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
        network, weights = generator.fold(params, latents)
        still = partial(network.apply, jax.lax.stop_gradient(weights))
        walks = renew(pair_key, walks, renewed)
        if steps:
            walks = settle(still, walks, steps)
        # Fixed points of quadrature would be learned: λ would be low just there.
        shares = jax.random.uniform(share_key, (pairs, segments))
        scores = log_rho(partial(network.apply, weights), walks.paths, shares)
        return jnp.mean(scores), walks._replace(uses=walks.uses + 1)

    return Penalty(init, apply)


def log_rho(
    generate: Callable[[Latents], Examples],
    paths: Paths,
    shares: Float[Array, "pairs segments"],
) -> Float[Array, "pairs"]:
    """Give log ρ of each path, its ends' images generated.

    Args:
        generate: from latents to images.
        paths: any, minimising or not.
        shares: where in its segment λ is taken; ½ is the midpoint rule, uniform in
            [0, 1] an unbiased estimate of the energy of the polygon.
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


def renew(key: PRNGKey, walks: Walks, renewed: int) -> Walks:
    """Draw the oldest pairs anew, all of them at the first use."""
    pairs, knots, dim = walks.paths.shape
    numbers = jnp.arange(pairs, dtype=walks.uses.dtype)
    due = (numbers - walks.uses * renewed) % pairs < renewed

    def draw(number: Array) -> Path:
        own = jax.random.fold_in(key, number)
        ends = jax.random.normal(own, (2, dim), walks.paths.dtype)
        return line(ends[0], ends[1], knots - 1)

    fresh = (due | (walks.uses == 0))[:, None, None]
    return walks._replace(paths=jnp.where(fresh, jax.vmap(draw)(numbers), walks.paths))


def settle(generate: Callable[[Latents], Examples], walks: Walks, steps: int) -> Walks:
    """Lower the energy of all paths by a few preconditioned L-BFGS steps."""
    metrics = between_images(generate)
    images = jax.vmap(generate)(walks.paths[:, jnp.array([0, -1])])
    items = images[:, 0], images[:, 1]
    pairs, knots, _ = walks.paths.shape
    sampled = walks.paths[walks.uses % pairs, knots // 2]
    assert metrics.curvature is not None
    found = metrics.curvature((images[0, 0], images[0, 1]), sampled[None])
    rate = jnp.maximum(1 / (walks.uses + 1).astype(found.dtype), CURVATURE_RATE)
    curvature = walks.curvature + rate * (found - walks.curvature)
    model = decompose(curvature)
    method = lbfgs(memory=steps)

    def one(path: Path, item: tuple[Array, Array]) -> Path:
        def body(_, state):
            return method.step(metrics.at(item), model, state)

        return jax.lax.fori_loop(0, steps, body, method.init(path)).path

    return walks._replace(paths=jax.vmap(one)(walks.paths, items), curvature=curvature)
