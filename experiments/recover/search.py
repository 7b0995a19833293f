"""Recover codes of a generator's own images in parts, each of them kept on disk."""

from functools import partial
from pathlib import Path
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Bool, Float, Int

from experiments.running import jobs
from experiments.running.interruption import stop_requested
from experiments.running.parts import kept
from jaxgan import inversion
from jaxgan.networks import FinishedGenerator
from jaxgan.types import PRNGKey

PART = 50
"""Number of images in a part."""


class Recovered(NamedTuple):
    """True codes, and the codes that were found from their images.

    Attributes:
        true: the codes that the images were generated from.
        latents: the codes that were found.
        errors: mean squared error per pixel of their images, pixels in [0, 1].
        exact: whether the error is zero up to rounding.
        starts: number of starts that were tried.
        conditions: condition number of the generator's Jacobian at the true code.
        saturated: share of the pixels within 1e-3 of black or white.
    """

    true: Float[np.ndarray, "n latent"]
    latents: Float[np.ndarray, "n latent"]
    errors: Float[np.ndarray, "n"]
    exact: Bool[np.ndarray, "n"]
    starts: Int[np.ndarray, "n"]
    conditions: Float[np.ndarray, "n"]
    saturated: Float[np.ndarray, "n"]

    @property
    def latent_errors(self) -> Float[np.ndarray, "n"]:
        """Distance of the two codes, relative to the length of the true one."""
        distances = np.linalg.norm(self.latents - self.true, axis=1)
        return distances / np.linalg.norm(self.true, axis=1)


def recover_all(
    out: Path, generator: FinishedGenerator, key: PRNGKey, count: int, num_starts: int
) -> Recovered:
    """Generate images and recover their codes; parts that are on disk are read.

    Raises:
        Interrupted: after a signal; finished parts are on disk.
    """
    folder = out / "parts"
    folder.mkdir(exist_ok=True)

    def job(first: int) -> jobs.Job[Recovered]:
        size = min(PART, count - first)
        own = jax.random.fold_in(key, first)
        find = partial(_recover_part, generator, own, size, num_starts)
        path = folder / f"{first:06d}.npz"
        return jobs.Job(
            f"from image {first}", size, lambda: kept(path, Recovered, find)
        )

    every = [job(first) for first in range(0, count, PART)]
    with stop_requested() as stopping:
        parts = jobs.run(every, "image", stopping, out)
    return Recovered(*map(np.concatenate, zip(*parts, strict=True)))


def _recover_part(
    generator: FinishedGenerator,
    key: PRNGKey,
    count: int,
    num_starts: int,
) -> Recovered:
    code_key, search_key = jax.random.split(key)
    latents = jax.random.normal(code_key, (count, generator.latent_dim))
    true = np.asarray(latents, np.float64)
    with jax.enable_x64(True):
        images = np.asarray(jax.jit(generator.generate)(jnp.asarray(true)))
    found = inversion.recover(search_key, generator, images, num_starts=num_starts)
    return Recovered(
        true,
        found.latents,
        found.errors,
        found.exact,
        found.starts,
        inversion.condition_numbers(generator, true),
        np.mean(np.abs(images) > 1 - 2e-3, (1, 2, 3)),
    )
