"""Points from which the search for the code of an image starts."""

from collections.abc import Callable
from functools import partial

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from jaxgan.networks import FinishedGenerator, arguments
from jaxgan.types import Examples, PRNGKey

CHUNK = 1000
"""Samples generated, or targets compared with them, at a time."""


def starts_for(
    key: PRNGKey,
    generator: FinishedGenerator,
    targets: Examples,
    *,
    num_starts: int,
    bank_size: int = 10_000,
    first_image: int | Int[Array, ""] = 0,
) -> Float[Array, "n starts latent"]:
    """Return starts for each target: codes of the nearest samples, then drawn ones.

    Args:
        key: of samples and starts.
        generator: of the samples.
        targets: in the generator's units.
        num_starts: starts of each target. Half of them are codes of nearest samples.
        bank_size: number of samples to choose the nearest ones from; 0: all starts are
            drawn from the prior.
        first_image: number of the first target, for the key.

    Raises:
        ValueError: if `bank_size` is negative.
    """
    if bank_size < 0:
        raise ValueError(f"bank_size must be ≥ 0, got {bank_size}")
    bank_key, prior_key = jax.random.split(key)
    numbers = first_image + jnp.arange(len(targets))
    num_near = min(num_starts // 2, bank_size)
    drawn = drawn_starts(prior_key, numbers, num_starts - num_near, generator.draw)
    if not num_near:
        return drawn
    bank = sample_bank(bank_key, generator, bank_size)
    near = nearest_starts(bank, targets.reshape(len(targets), -1), num_near)
    return jnp.concatenate([near, drawn], 1)


def drawn_starts(
    key: PRNGKey,
    numbers: Int[Array, "n"],
    num_starts: int,
    draw: Callable[[PRNGKey], Float[Array, "latent"]],
) -> Float[Array, "n starts latent"]:
    """Return starts drawn for the images with these numbers.

    Each depends only on the key, the number of its image and its own number.
    """

    def one(image: Array, start: Array) -> Array:
        return draw(jax.random.fold_in(jax.random.fold_in(key, image), start))

    starts = jnp.arange(num_starts)
    return jax.vmap(lambda image: jax.vmap(lambda s: one(image, s))(starts))(numbers)


@partial(jax.jit, static_argnums=2)
def sample_bank(
    key: PRNGKey, generator: FinishedGenerator, size: int
) -> tuple[Float[Array, "size latent"], Float[Array, "size pixels"]]:
    """Return codes drawn from the prior and their flattened images.

    One such bank serves all targets.

    Args:
        key: of the codes.
        generator: of the images.
        size: number of codes.

    Raises:
        ValueError: if the size is below 1.
    """
    arguments.require_generator(generator)
    if size < 1:
        raise ValueError(f"a bank needs at least one code, got {size}")
    latents = generator.network.draw(key, (size, generator.latent_dim))

    def image(latent: Array) -> Array:
        return generator.generate(latent[None])[0]

    images = jax.lax.map(image, latents, batch_size=CHUNK)
    return latents, images.reshape(size, -1)


def nearest_starts(
    bank: tuple[Float[Array, "size latent"], Float[Array, "size pixels"]],
    targets: Float[Array, "n pixels"],
    num_starts: int,
) -> Float[Array, "n starts latent"]:
    """Return the codes in the bank whose images are nearest to each target, in order.

    Args:
        bank: codes and their images, as `sample_bank` returns them.
        targets: flattened, in the units of the images.
        num_starts: number of codes for each target.

    Raises:
        ValueError: if the bank has fewer codes, or images of another length.
    """
    latents, images = bank
    targets = jnp.asarray(arguments.floats("targets", targets, ("n", images.shape[1])))
    if num_starts > len(latents):
        raise ValueError(f"a bank of {len(latents)} has no {num_starts} nearest codes")
    squares = jnp.sum(images * images, 1)

    def one(target: Array) -> Array:
        return latents[jax.lax.top_k(2.0 * (images @ target) - squares, num_starts)[1]]

    return jax.lax.map(one, targets, batch_size=CHUNK)
