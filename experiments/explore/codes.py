"""The search behind the second panel: the codes of one digit, and their certificates.

It comes in steps, each shown as soon as it is done; between two of them it can be
stopped.
"""

from collections.abc import Iterator
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, UInt8

from experiments.explore.workbench import PRIOR_WEIGHT, Workbench, images_of, to_units
from jaxgan import inversion, minima
from jaxgan.minima import DistinctMinimum, Settled

STARTS = 16
TOGETHER = 4
"""Starts that are settled at a time."""


class Found(NamedTuple):
    """What is known of the codes of a digit after a step of the search.

    Attributes:
        settled: number of starts that are settled and certified.
        best: the image with the least error so far.
        error: its mean squared error per pixel, for pixels in [0, 1].
        minima: the distinct minima, the best first; none before the last step.
        images: their images.
        unproved: starts whose end points could not be proved to be minima.
        adam: image and error of the plain search; None before the last step.
    """

    settled: int
    best: UInt8[np.ndarray, "28 28"]
    error: float
    minima: tuple[DistinctMinimum, ...] = ()
    images: UInt8[np.ndarray, "minima 28 28"] = np.zeros((0, 28, 28), np.uint8)
    unproved: int = 0
    adam: tuple[UInt8[np.ndarray, "28 28"], float] | None = None


def find(
    bench: Workbench, digit: UInt8[np.ndarray, "28 28"], seed: int = 0
) -> Iterator[Found]:
    """Find the codes of a digit from many starts, then settle and certify them.

    Args:
        bench: what to search with.
        digit: white on black.
        seed: of the starts.
    """
    key = jax.random.key(seed)
    target = to_units(digit[None])
    found = inversion.invert_many(
        key,
        bench.generator,
        jnp.asarray(target),
        num_starts=STARTS,
        prior_weight=PRIOR_WEIGHT,
        double_steps=0,
        chunk=STARTS,
    )
    (best,) = images_of(bench.generator, found.best())
    first = Found(0, best, float(found.errors.min()))
    yield first
    parts = []
    for begin in range(0, STARTS, TOGETHER):
        part = minima.settle_many(
            bench.generator,
            found.latents[0, begin : begin + TOGETHER],
            target,
            np.zeros(TOGETHER, int),
            prior_weight=PRIOR_WEIGHT,
            chunk=TOGETHER,
        )
        parts.append(part)
        if len(parts) * TOGETHER < STARTS:
            yield first._replace(settled=len(parts) * TOGETHER)
    yield _last(bench, key, target, _joined(parts), first)


def _joined(parts: list[Settled]) -> Settled:
    steps = np.concatenate([part.steps for part in parts], 1)
    rows = [part._replace(steps=part.steps.T) for part in parts]
    whole = jax.tree.map(lambda *some: np.concatenate(some), *rows)
    return whole._replace(steps=steps)


def _last(
    bench: Workbench,
    key: jax.Array,
    target: Float[np.ndarray, "1 28 28 1"],
    settled: Settled,
    first: Found,
) -> Found:
    distinct = minima.distinct_minima(settled)
    plain = bench.adam(key, target)
    (by_adam,) = images_of(bench.generator, plain)
    difference = (to_units(by_adam[None]) - target) / 2
    proved = sum(len(minimum.starts) for minimum in distinct)
    images = first.images
    if distinct:
        codes = np.stack([minimum.latent for minimum in distinct])
        images = np.concatenate([images_of(bench.generator, c[None]) for c in codes])
    return first._replace(
        settled=STARTS,
        best=images[0] if distinct else first.best,
        error=distinct[0].error if distinct else first.error,
        minima=distinct,
        images=images,
        unproved=STARTS - proved,
        adam=(by_adam, float(np.mean(difference**2))),
    )
