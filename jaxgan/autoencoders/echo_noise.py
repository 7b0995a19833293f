"""Draws of z = m(x₀) + S(x₀)(m(x₁) + S(x₁)(m(x₂) + …)), for x₀, x₁, … independent.

Three ways, one law. All of x₀, x₁, … are different examples of a batch, which are
independent draws of the population; or independent draws from a stored population,
the bank. Gradients pass through every term.
"""

from functools import partial

import jax
import jax.numpy as jnp
from jaxtyping import Array, Int

from jaxgan.autoencoders.contractions import Maps, apply, compose, take
from jaxgan.types import Latents, PRNGKey


def others(key: PRNGKey, batch: int, depth: int) -> Int[Array, "depth batch"]:
    """Draw, for each item of a batch, different other items.

    Raises:
        ValueError: if there are not so many others.
    """
    _require_others(batch, depth)
    # The order of independent uniforms is a uniform permutation; oneself comes last.
    values = jax.random.uniform(key, (batch, batch))
    values = jnp.where(jnp.eye(batch, dtype=bool), jnp.inf, values)
    return jnp.argsort(values, axis=1)[:, :depth].T


def through(maps: Maps, items: Int[Array, "depth n"]) -> Latents:
    """Give the points where the origin ends after the maps of these items.

    The last row's map is the first to be applied.
    """

    def back(points: Latents, items: Int[Array, "n"]) -> tuple[Latents, None]:
        return apply(take(maps, items), points), None

    start = jnp.zeros((items.shape[1], maps.locations.shape[1]))
    return jax.lax.scan(back, start, items, reverse=True)[0]


def in_batch(key: PRNGKey, maps: Maps, depth: int) -> Latents:
    """Draw one code for each map; the noise of each is made of `depth` others.

    Without replacement and without the item itself, so that the terms are independent
    when the batch is. Pairs of codes are as independent as they can be.

    Raises:
        ValueError: if there are not `depth` others.
    """
    return apply(maps, through(maps, others(key, len(maps.locations), depth)))


def ring(key: PRNGKey, maps: Maps, depth: int) -> Latents:
    """Draw one code for each map; the noise of each is made of its `depth` neighbours.

    The batch is shuffled and closed to a ring. Each code has the law that `in_batch`
    gives it; codes near each other on the ring share terms. Compositions of 2ᵏ
    neighbours come from those of 2ᵏ⁻¹, so the cost is logarithmic in `depth`.

    Raises:
        ValueError: if there are not `depth` others.
    """
    batch = len(maps.locations)
    _require_others(batch, depth)
    order = jax.random.permutation(key, batch)
    power, length = take(maps, order), 1
    whole, covered = power, 1
    remaining = depth
    while remaining:
        if remaining & 1:
            whole = compose(whole, _ahead(power, covered))
            covered += length
        remaining >>= 1
        if remaining:
            power = compose(power, _ahead(power, length))
            length *= 2
    return whole.locations[jnp.argsort(order)]


def bank(
    key: PRNGKey, maps: Maps, items: Int[Array, "n"], depth: int | Int[Array, ""]
) -> Latents:
    """Draw codes of no particular example: samples of the marginal q(z).

    They are the noise for the codes of held-out examples, for batches smaller than the
    depth, and what the decoder turns into new examples. Not for training: the number
    of terms may be traced, and has no reverse-mode derivative then.

    Args:
        key: each draw depends on it and on the draw's number only.
        maps: of all training examples.
        items: numbers of the draws.
        depth: maps inside the first (`contractions.needed_depth`); all are drawn with
            replacement.
    """
    own = jax.vmap(partial(jax.random.fold_in, key))(items)

    def back(number: Array, points: Latents) -> Latents:
        level = jax.vmap(lambda key: jax.random.fold_in(key, depth - number))(own)
        drawn = jax.vmap(lambda key: jax.random.randint(key, (), 0, len(maps.scales)))(
            level
        )
        return apply(take(maps, drawn), points)

    start = jnp.zeros((len(items), maps.locations.shape[1]))
    return jax.lax.fori_loop(0, depth + 1, back, start)


def _ahead(maps: Maps, steps: int) -> Maps:
    return jax.tree.map(partial(jnp.roll, shift=-steps, axis=0), maps)


def _require_others(batch: int, depth: int) -> None:
    if not 1 <= depth < batch:
        raise ValueError(
            f"a batch of {batch} has {batch - 1} other items for each, got depth "
            f"{depth}: use a larger batch, or a bank"
        )
