"""Draws of z = m(x₀) + S(x₀)(m(x₁) + S(x₁)(m(x₂) + …)), for x₀, x₁, … independent.

There are three ways to draw, and all have the same distribution. In `in_batch` and
`ring` x₀, x₁, … are different examples of a batch, which are independent draws from the
population. In `draw_from_bank` they are independent draws from a stored population, the
*bank*. Gradients pass through every term.
"""

from functools import partial

import jax
import jax.numpy as jnp
from jaxtyping import Array, Int

from jaxgan.autoencoders.contractions import Maps, apply, compose, take
from jaxgan.types import Latents, PRNGKey


def draw_others(key: PRNGKey, batch: int, depth: int) -> Int[Array, "depth batch"]:
    """Return for each item of a batch the numbers of `depth` different other items.

    Raises:
        ValueError: if the batch has too few items.
    """
    _require_others(batch, depth)
    # Sorting independent uniforms gives a uniform permutation; the item itself is last.
    values = jax.random.uniform(key, (batch, batch))
    values = jnp.where(jnp.eye(batch, dtype=bool), jnp.inf, values)
    return jnp.argsort(values, axis=1)[:, :depth].T


def through(maps: Maps, items: Int[Array, "depth n"]) -> Latents:
    """Return the image of the origin under the maps of these items, composed.

    The map of the last row is applied first.
    """

    def back(points: Latents, items: Int[Array, "n"]) -> tuple[Latents, None]:
        return apply(take(maps, items), points), None

    start = jnp.zeros((items.shape[1], maps.locations.shape[1]))
    return jax.lax.scan(back, start, items, reverse=True)[0]


def in_batch(key: PRNGKey, maps: Maps, depth: int) -> Latents:
    """Return one code for each map; its noise is made of the maps of `depth` others.

    They are drawn without replacement and without the item itself, so that the terms
    are independent if the examples are. Pairs of codes are as independent as they can
    be.

    Raises:
        ValueError: if the batch has too few items.
    """
    items = draw_others(key, len(maps.locations), depth)
    return apply(maps, through(maps, items))


def ring(key: PRNGKey, maps: Maps, depth: int) -> Latents:
    """Return one code for each map; its noise is made of the next `depth` maps.

    The batch is shuffled and closed to a ring. Each code has the same distribution as
    in `in_batch`, but codes near each other on the ring share terms. Compositions of 2ᵏ
    maps are made from those of 2ᵏ⁻¹, so the cost is logarithmic in `depth`.

    Raises:
        ValueError: if the batch has too few items.
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


def draw_from_bank(
    key: PRNGKey, maps: Maps, items: Int[Array, "n"], depth: int | Int[Array, ""]
) -> Latents:
    """Return codes of no particular example: samples of the marginal q(z).

    They are the noise for codes of held-out examples and of batches that are too small,
    and what the decoder turns into new examples. They are not for training: if `depth`
    is traced, they have no reverse-mode derivative.

    Args:
        key: each draw depends only on it and on the number of the draw.
        maps: the bank: the maps of all training examples.
        items: numbers of the draws.
        depth: number of maps inside the first (`contractions.needed_depth`). All are
            drawn with replacement.
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
