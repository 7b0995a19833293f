"""The minima of a generator whose corners have some width, and what lies between them.

Every width is searched in two ways, and the result of each is kept on disk.
"""

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from experiments.invert.report import MINIMA
from experiments.running import jobs
from experiments.running.interruption import stop_requested
from experiments.running.parts import kept
from jaxgan import inversion, minima, networks
from jaxgan.networks import FinishedGenerator
from jaxgan.types import PRNGKey

KINKS = 0.0
"""In place of a width: the generator as it is, with its kinks."""
AT_ONCE, SHARPENING = "at once", "sharpening"
WAYS = (AT_ONCE, SHARPENING)
"""How a width is searched: seen from the first step on, or after wider corners."""
WIDEST, SHARPEST = 1.0, 0.01
"""Corners of the first step where they sharpen, and of the last one before kinks."""
BANK = 10_000
"""Samples to choose the nearest ones from."""
SAME_CODE = 1e-5
"""Distance within which codes count as one, relative to their norm."""
POINTS = 801
"""On the straight line between two minima."""


class Ends(NamedTuple):
    """Where the starts of every image ended; only certified minima are counted.

    Attributes:
        seen: number of different minima.
        seen_images: number of different images among them.
        certified: share of the starts that ended in a certified minimum.
        held: facets that the minima lie on, median; 0 for a smooth network.
        error: mean squared error per pixel of the best minimum, pixels in [0, 1].
        barrier: how far the objective rises between the best two minima above the
            second-best one, on the straight line, divided by the best one's objective;
            NaN if there are no two.
    """

    seen: Float[np.ndarray, "images"]
    seen_images: Float[np.ndarray, "images"]
    certified: Float[np.ndarray, "images"]
    held: Float[np.ndarray, "images"]
    error: Float[np.ndarray, "images"]
    barrier: Float[np.ndarray, "images"]


class Plan(NamedTuple):
    """How minima are searched.

    Attributes:
        key: random key of the starts, the same for all widths.
        widths: of the corners, beside the generator with its kinks.
        num_starts: number of starts for each image.
        max_steps: number of steps of each search.
        prior_weight: κ of ½κ‖z‖² beside ½‖G(z) − x‖², pixels in [-1, 1].
    """

    key: PRNGKey
    widths: tuple[float, ...]
    num_starts: int
    max_steps: int
    prior_weight: float


def find_all(
    out: Path,
    generator: FinishedGenerator,
    targets: Float[np.ndarray, "n height width channels"],
    plan: Plan,
) -> Mapping[tuple[str, float], Ends]:
    """Return the ends by way and width, from the widest corners to the kinks.

    Raises:
        Interrupted: after a signal; finished parts are on disk.
    """
    folder = out / "parts"
    folder.mkdir(exist_ok=True)
    starts = starts_of(generator, targets, plan)
    several = [*sorted(plan.widths, reverse=True), KINKS]

    def job(way: str, width: float) -> jobs.Job[Ends]:
        compute = partial(find, generator, targets, plan, starts, way, width)
        name = f"{way}-{width:g}".replace(" ", "-")
        path = folder / f"{name}.npz"
        return jobs.Job(name, 1, lambda: kept(path, Ends, compute))

    every = [(way, width) for width in several for way in WAYS]
    with stop_requested() as stopping:
        found = jobs.run([job(*each) for each in every], "search", stopping, out)
    return dict(zip(every, found, strict=True))


def starts_of(
    generator: FinishedGenerator,
    targets: Float[np.ndarray, "n height width channels"],
    plan: Plan,
) -> Float[np.ndarray, "n starts latent"]:
    """Return the starts, which are the same for all widths.

    Half of them are codes of the samples that are nearest to an image; the others are
    drawn from the prior.
    """
    near = plan.num_starts // 2
    bank_key, prior_key = jax.random.split(plan.key)
    bank = inversion.sample_bank(bank_key, generator, BANK)
    flat = jnp.asarray(targets.reshape(len(targets), -1))
    nearest = inversion.nearest_starts(bank, flat, near)
    shape = len(targets), plan.num_starts - near, generator.latent_dim
    drawn = generator.network.draw(prior_key, shape)
    return np.asarray(jnp.concatenate([nearest, drawn], 1))


def find(
    generator: FinishedGenerator,
    targets: Float[np.ndarray, "n height width channels"],
    plan: Plan,
    starts: Float[np.ndarray, "n starts latent"],
    way: str,
    width: float,
) -> Ends:
    """Return where the starts of every image end, at one width and in one way."""
    network = networks.round_corners(generator, width) if width else generator
    sharpening = way == SHARPENING
    found = inversion.invert_from(
        generator if sharpening else network,
        starts,
        jnp.asarray(targets),
        max_steps=plan.max_steps,
        corners=(max(WIDEST, width), width or SHARPEST) if sharpening else None,
        prior_weight=plan.prior_weight,
        double_steps=0,
    )
    owners, numbers = np.nonzero(np.isfinite(found.errors))
    settled = minima.settle_many(
        network,
        found.latents[owners, numbers],
        targets,
        owners,
        prior_weight=plan.prior_weight,
    )
    proved = np.isin(settled.certificates.status, MINIMA)

    def one(number: int) -> tuple[int | float, ...]:
        own = proved & (owners == number)
        share = float(own.sum() / starts.shape[1])
        if not own.any():
            return 0.0, 0.0, share, np.nan, np.nan, np.nan
        latents = settled.latents[own]
        values, barrier = _heights(network, targets[number], latents, plan.prior_weight)
        images = np.asarray(network.generate(jnp.asarray(latents, jnp.float32)))
        pixels = (images.reshape(len(latents), -1) + 1) / 2
        count = minima.count_minima(latents, pixels, values)
        held = float(np.median(settled.certificates.num_held[own]))
        error = float(settled.errors[own][values.argmin()])
        return count.seen, count.seen_images, share, held, error, barrier

    each = [one(number) for number in range(len(targets))]
    return Ends(*(np.array(values, float) for values in zip(*each, strict=True)))


def _heights(
    generator: FinishedGenerator,
    target: Float[np.ndarray, "height width channels"],
    latents: Float[np.ndarray, "n latent"],
    prior_weight: float,
) -> tuple[Float[np.ndarray, "n"], float]:
    """Return the objective at minima of one image, and `Ends.barrier`."""
    with jax.enable_x64(True):
        exact, wanted = generator.as_type(jnp.float64), jnp.asarray(target, jnp.float64)
        objective = partial(_objective, exact, wanted, jnp.asarray(prior_weight))
        values = np.asarray(objective(jnp.asarray(latents)))
        order = np.argsort(values, kind="stable")
        best = latents[order[0]]
        # Codes that are nearer count as one, as in `minima.count_minima`.
        near = SAME_CODE * np.sqrt(np.mean(np.sum(latents**2, 1)))
        others = [n for n in order if np.linalg.norm(latents[n] - best) > near]
        if not others:
            return values, float("nan")
        shares = np.linspace(0, 1, POINTS)[:, None]
        line = best + shares * (latents[others[0]] - best)
        heights = np.asarray(objective(jnp.asarray(line)))
    return values, float((heights.max() - heights[-1]) / heights[0])


@jax.jit
def _objective(
    generator: FinishedGenerator, target: Array, prior_weight: Array, latents: Array
) -> Array:
    """Return ½‖G(z) − x‖² + ½κ‖z‖² at each code."""

    def one(latent: Array) -> Array:
        gap = generator.generate(latent[None])[0] - target
        return 0.5 * (jnp.sum(gap * gap) + prior_weight * (latent @ latent))

    return jax.lax.map(one, latents)
