"""Pairs of codes to walk between, with their images."""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from experiments.running.errors import UsageError
from jaxgan import inversion, networks
from jaxgan.data import Dataset
from jaxgan.storage import TrainedGenerator
from jaxgan.types import Examples, Latents, PRNGKey

STARTS, SURVIVORS = 8, 1
PRIOR_WEIGHT = 0.01


class Pairs(NamedTuple):
    """Codes and images of both ends, pixels in [0, 1].

    Attributes:
        codes_a: of the first ends.
        codes_b: of the last ends.
        images_a: what the first codes are of; not always what they generate.
        images_b: likewise.
    """

    codes_a: Float[np.ndarray, "pairs latent"]
    codes_b: Float[np.ndarray, "pairs latent"]
    images_a: Float[np.ndarray, "pairs 28 28 1"]
    images_b: Float[np.ndarray, "pairs 28 28 1"]


def in_pixels(generator: TrainedGenerator) -> Callable[[Latents], Examples]:
    """Give images in [0, 1]: what energies are reported in."""

    def generate(latents: Latents) -> Examples:
        return (generator.generate(latents) + 1) / 2

    return generate


def of_digits(
    key: PRNGKey, generator: TrainedGenerator, test: Dataset, count: int
) -> Pairs:
    """Pair the first test digits, two classes in each pair, and invert them.

    Raises:
        UsageError: if there are not enough of them.
    """
    first, second = matched(np.asarray(test.labels), count)
    chosen = np.concatenate([first, second])
    images = (test.images[chosen] / 255).astype(np.float32)
    found = inversion.invert(
        generator.generate,
        key,
        jnp.asarray(2 * images - 1),
        latent_dim=generator.latent_dim,
        num_starts=STARTS,
        rounded=networks.rounded_generator(generator.params),
        survivors=SURVIVORS,
        prior_weight=PRIOR_WEIGHT,
        double_steps=0,
    )
    codes = found.best().astype(np.float32)
    return Pairs(codes[:count], codes[count:], images[:count], images[count:])


def matched(labels: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Pair images in their order, each with the next one left of another class.

    Raises:
        UsageError: if there are not so many pairs.
    """
    waiting: list[int] = []
    pairs: list[tuple[int, int]] = []
    for number, label in enumerate(labels):
        other = next((w for w in waiting if labels[w] != label), None)
        if other is None:
            waiting.append(number)
        else:
            waiting.remove(other)
            pairs.append((other, number))
        if len(pairs) == count:
            first, second = np.array(pairs).T
            return first, second
    raise UsageError(f"--pairs must be at most {len(pairs)} here, got {count}")


def of_prior(key: PRNGKey, generator: TrainedGenerator, count: int) -> Pairs:
    """Draw both codes of each pair; what they generate are the images."""

    def draw(number):
        own = jax.random.fold_in(key, number)
        return jax.random.normal(own, (2, generator.latent_dim))

    codes = jax.vmap(draw)(jnp.arange(count))
    generate = jax.jit(in_pixels(generator))
    codes_a, codes_b = np.asarray(codes[:, 0]), np.asarray(codes[:, 1])
    images = [np.asarray(generate(jnp.asarray(some))) for some in (codes_a, codes_b)]
    return Pairs(codes_a, codes_b, *images)
