"""Pairs of codes, the ends of paths, with their images."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from experiments.running import generators
from experiments.running.errors import UsageError
from jaxgan import inversion
from jaxgan.data import Dataset
from jaxgan.networks import FinishedGenerator
from jaxgan.types import PRNGKey

STARTS, SURVIVORS = 8, 1
PRIOR_WEIGHT = 0.01
"""Of the inversion of digits: starts, those that are followed to the end, and the
default weight of the squared norm of a code."""


class Pairs(NamedTuple):
    """Codes and images of both ends, pixels in [0, 1].

    Attributes:
        codes_a: codes of the first ends.
        codes_b: codes of the last ends.
        images_a: images of the first ends. Codes that were found by inversion generate
            images that are only near them.
        images_b: images of the last ends.
    """

    codes_a: Float[np.ndarray, "pairs latent"]
    codes_b: Float[np.ndarray, "pairs latent"]
    images_a: Float[np.ndarray, "pairs 28 28 1"]
    images_b: Float[np.ndarray, "pairs 28 28 1"]


def of_digits(
    key: PRNGKey,
    generator: FinishedGenerator,
    test: Dataset,
    count: int,
    prior_weight: float = PRIOR_WEIGHT,
) -> Pairs:
    """Return pairs of the first test digits, of two classes each, with their codes.

    Args:
        key: of the starts of the inversion.
        generator: which finds the codes.
        test: labelled digits.
        count: number of pairs.
        prior_weight: weight of the squared norm of a code, at least 0.

    Raises:
        UsageError: if there are not enough digits.
    """
    first, second = matched(np.asarray(test.labels), count)
    chosen = np.concatenate([first, second])
    images = (test.images[chosen] / 255).astype(np.float32)
    codes = codes_of(key, generator, 2 * images - 1, prior_weight)
    return Pairs(codes[:count], codes[count:], images[:count], images[count:])


def codes_of(
    key: PRNGKey,
    generator: FinishedGenerator,
    images: Float[np.ndarray, "n 28 28 1"],
    prior_weight: float = PRIOR_WEIGHT,
) -> Float[np.ndarray, "n latent"]:
    """Return the codes between which paths are sought, found by inversion.

    Args:
        key: of the starts.
        generator: which finds the codes.
        images: pixels in [-1, 1].
        prior_weight: weight of the squared norm of a code, at least 0.
    """
    found = inversion.invert_many(
        key,
        generator,
        jnp.asarray(images),
        num_starts=STARTS,
        survivors=SURVIVORS,
        prior_weight=prior_weight,
        double_steps=0,
    )
    return found.best().astype(np.float32)


def matched(labels: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Pair images in their order, each with the first free one of another class.

    Returns:
        The numbers of the first and of the last images.

    Raises:
        UsageError: if there are fewer pairs than `count`.
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


def of_prior(key: PRNGKey, generator: FinishedGenerator, count: int) -> Pairs:
    """Return pairs of codes from the prior, and the images that they generate."""

    def draw(number):
        own = jax.random.fold_in(key, number)
        return jax.random.normal(own, (2, generator.latent_dim))

    codes = jax.vmap(draw)(jnp.arange(count))
    generate = jax.jit(generators.in_pixels(generator).generate)
    codes_a, codes_b = np.asarray(codes[:, 0]), np.asarray(codes[:, 1])
    images = [np.asarray(generate(jnp.asarray(some))) for some in (codes_a, codes_b)]
    return Pairs(codes_a, codes_b, *images)
