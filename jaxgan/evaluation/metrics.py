"""Metrics of a set of samples by its nearest neighbours, and by a kernel.

These, and those of `frechet`, are functions of arrays with the features of one example
in each row, all finite: a row that is not is a `ValueError`. Every value comes with its
standard error: that of a bootstrap over the rows, or for a mean over rows the limit of
that for many resamples (`jaxgan.statistics`). The radii of neighbourhoods are not drawn
anew.
"""

from typing import NamedTuple

import jax
import numpy as np

from jaxgan.evaluation import neighbours
from jaxgan.evaluation.rows import Features, Others, pair
from jaxgan.statistics import Estimate, mean_of
from jaxgan.types import PRNGKey


def kernel_distance(
    key: PRNGKey, fake: Features, real: Others, *, num_blocks: int = 10
) -> Estimate:
    """Return the squared kernel distance (Bińkowski et al. 2018, arXiv:1801.01401).

    The kernel is (x·y / d + 1)³. Unbiased estimates, which can be negative, are
    averaged over disjoint random blocks of the rows; the standard error is that of
    their mean.

    Raises:
        ValueError: if a block would have fewer than two rows, a row is not finite, or
            the rows differ in length.
    """
    fake, real = pair("fake", fake, "real", real)
    if num_blocks < 1:
        raise ValueError(f"num_blocks must be at least 1, got {num_blocks}")
    size = min(len(fake), len(real)) // num_blocks
    if size < 2:
        raise ValueError(
            f"{num_blocks} blocks need at least {2 * num_blocks} rows, got {len(fake)} "
            f"and {len(real)}"
        )
    orders = [
        np.asarray(jax.random.permutation(k, len(rows)))[: size * num_blocks]
        for k, rows in zip(jax.random.split(key), (fake, real), strict=True)
    ]
    values = [
        _kernel_block(fake[a].astype(np.float64), real[b].astype(np.float64))
        for a, b in zip(*(o.reshape(num_blocks, size) for o in orders), strict=True)
    ]
    return mean_of(np.array(values))


def _kernel_block(x: Features, y: Others) -> float:
    def kernel(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        return (a @ b.T / a.shape[1] + 1) ** 3

    def off_diagonal(k: np.ndarray) -> float:
        return (k.sum() - np.trace(k)) / (len(k) * (len(k) - 1))

    within = off_diagonal(kernel(x, x)) + off_diagonal(kernel(y, y))
    return within - 2 * float(kernel(x, y).mean())


class Coverage(NamedTuple):
    """How two sets of examples lie in each other's neighbourhoods.

    The neighbourhood of an example is the closed ball around it that reaches to the
    k-th nearest other example of its own set. Copies of the example count as others.
    Distances are exact, so that two equal sets have precision, recall and coverage 1.

    Attributes:
        precision: share of the fakes that are in the neighbourhood (k = 3) of some real
            example (Kynkäänniemi et al. 2019, arXiv:1904.06991, eq. 1).
        recall: the same with the two sets exchanged.
        density: mean number of real neighbourhoods (k = 5) that a fake is in, over 5
            (Naeem et al. 2020, arXiv:2002.09797, eq. 3); about 1 for sets of the same
            distribution. A set without copies has 6/5 with itself: each point is in
            its own neighbourhood too.
        coverage: share of the real neighbourhoods (k = 5) with a fake in them (eq. 4).
    """

    precision: Estimate
    recall: Estimate
    density: Estimate
    coverage: Estimate


def coverage(fake: Features, real: Others) -> Coverage:
    """Return precision, recall, density and coverage; see `Coverage`.

    Raises:
        ValueError: if a set has fewer than six rows, a row is not finite, or the rows
            differ in length.
    """
    fake, real = pair("fake", fake, "real", real, least=6)
    square_3 = neighbours.kth_square(real, 3)
    square_5 = neighbours.kth_square(real, 5)
    fake_square = neighbours.kth_square(fake, 3)
    precise = neighbours.balls_containing(fake, real, square_3) > 0
    recalled = neighbours.balls_containing(real, fake, fake_square) > 0
    dense = neighbours.balls_containing(fake, real, square_5) / 5
    covered = neighbours.nearest_square(real, fake)[0] <= square_5
    return Coverage(*map(mean_of, (precise, recalled, dense, covered)))


def nearest_distance(samples: Features, training: Others) -> Estimate:
    """Return the mean Euclidean distance of samples to the nearest training example.

    It is near 0 for copies. The value to compare with is that of real examples that
    were not trained on.

    Raises:
        ValueError: if a row is not finite, a set is empty, or the rows differ in
            length.
    """
    samples, training = pair("samples", samples, "training", training)
    return mean_of(neighbours.nearest(samples, training)[0])
