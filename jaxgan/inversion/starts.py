"""Where the search for the code of an image begins."""

from collections.abc import Callable
from functools import partial

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from jaxgan.types import Examples, Latents, PRNGKey

CHUNK = 1000


def starts_for(
    generate: Callable[[Latents], Examples],
    key: PRNGKey,
    targets: Examples,
    *,
    latent_dim: int,
    num_starts: int,
    bank_size: int = 10_000,
    first_image: int = 0,
) -> Float[Array, "n starts latent"]:
    """Give starts for each target: codes of the nearest samples, then of the prior.

    Args:
        generate: from latents to images.
        key: of samples and starts.
        targets: in the networks' units.
        latent_dim: number of latent dimensions.
        num_starts: for each image. Half of them are the codes of nearest samples.
        bank_size: samples to choose nearest ones from; 0: all starts from the prior.
        first_image: number of the first of the targets.
    """
    bank_key, prior_key = jax.random.split(key)
    numbers = first_image + jnp.arange(len(targets))
    num_near = min(num_starts // 2, bank_size)
    drawn = prior_starts(prior_key, numbers, num_starts - num_near, latent_dim)
    if not num_near:
        return drawn
    bank = sample_bank(generate, bank_key, bank_size, latent_dim)
    near = nearest_starts(bank, targets.reshape(len(targets), -1), num_near)
    return jnp.concatenate([near, drawn], 1)


def drawn_starts(
    key: PRNGKey,
    images: Int[Array, "n"],
    num_starts: int,
    draw: Callable[[PRNGKey], Float[Array, "latent"]],
) -> Float[Array, "n starts latent"]:
    """Draw starts; each depends on key, image and start number only."""

    def one(image: Array, start: Array) -> Array:
        return draw(jax.random.fold_in(jax.random.fold_in(key, image), start))

    starts = jnp.arange(num_starts)
    return jax.vmap(lambda image: jax.vmap(lambda s: one(image, s))(starts))(images)


def prior_starts(
    key: PRNGKey, images: Int[Array, "n"], num_starts: int, latent_dim: int
) -> Float[Array, "n starts latent"]:
    """Draw starts from the prior."""
    return drawn_starts(
        key, images, num_starts, lambda key: jax.random.normal(key, (latent_dim,))
    )


@partial(jax.jit, static_argnums=(0, 2, 3))
def sample_bank(
    generate: Callable[[Latents], Examples], key: PRNGKey, size: int, latent_dim: int
) -> tuple[Float[Array, "size latent"], Float[Array, "size pixels"]]:
    """Draw codes and their images, flattened: made once for all targets."""
    latents = jax.random.normal(key, (size, latent_dim))
    images = jax.lax.map(lambda z: generate(z[None])[0], latents, batch_size=CHUNK)
    return latents, images.reshape(size, -1)


def nearest_starts(
    bank: tuple[Float[Array, "size latent"], Float[Array, "size pixels"]],
    targets: Float[Array, "n pixels"],
    num_starts: int,
) -> Float[Array, "n starts latent"]:
    """Give the codes in the bank whose images are nearest to each target, in order.

    Raises:
        ValueError: if the bank has fewer codes.
    """
    latents, images = bank
    if num_starts > len(latents):
        raise ValueError(f"a bank of {len(latents)} has no {num_starts} nearest codes")
    squares = jnp.sum(images * images, 1)

    def one(target: Array) -> Array:
        return latents[jax.lax.top_k(2.0 * (images @ target) - squares, num_starts)[1]]

    return jax.lax.map(one, targets, batch_size=CHUNK)
