"""Metrics: how far a set of samples is from a set of real examples.

They are functions of arrays with the features of one example in each row, all finite:
a row that is not is a `ValueError`. Every value comes with its standard error: that of
a bootstrap over the rows, or for a mean over rows the limit of that for many resamples
(`jaxgan.statistics`). The radii of neighbourhoods are not drawn anew.
"""

from typing import NamedTuple

import jax
import numpy as np
from jaxtyping import Float, Int, Num

from jaxgan.evaluation import neighbours
from jaxgan.evaluation.rows import numbers, pair
from jaxgan.statistics import Estimate, bootstrap, mean_of
from jaxgan.types import PRNGKey

Features = Num[np.ndarray, "n features"]
Others = Num[np.ndarray, "m features"]


class Moments(NamedTuple):
    """Mean and covariance (normalised by n − 1) of features, in double precision."""

    mean: Float[np.ndarray, "features"]
    covariance: Float[np.ndarray, "features features"]


def moments(features: Features) -> Moments:
    """Return the mean and covariance of the rows.

    Raises:
        ValueError: if there are fewer than two rows, or one is not finite.
    """
    return _moments(numbers("features", features, least=2))


def _moments(features: Features) -> Moments:
    rows = np.asarray(features, np.float64)
    mean = rows.mean(0)
    centred = rows - mean
    return Moments(mean, centred.T @ centred / (len(rows) - 1))


def frechet_between(a: Moments, b: Moments) -> float:
    """Return the squared Wasserstein-2 distance of Gaussians (Dowson & Landau 1982).

    ‖μa − μb‖² + tr Σa + tr Σb − 2 tr (Σa½ Σb Σa½)½. The last trace is the sum of the
    singular values of Σa½ Σb½. That needs roots of symmetric matrices only, and is
    accurate when they are singular.

    Moments that are NaN have the distance NaN.

    Raises:
        ValueError: if the two are not of one number of features.
    """
    shapes = [a.mean.shape, *(each.shape for each in (a.covariance, b.covariance))]
    if b.mean.shape != a.mean.shape or shapes[1:] != [2 * a.mean.shape] * 2:
        raise ValueError(
            "expected two means [d] and covariances [d, d], got "
            f"{a.mean.shape}, {a.covariance.shape}, {b.mean.shape} and "
            f"{b.covariance.shape}"
        )
    if np.isnan(a.mean).any() or np.isnan(b.mean).any():
        return float("nan")
    shift = a.mean - b.mean
    overlap = np.linalg.svd(
        _root(a.covariance) @ _root(b.covariance), compute_uv=False
    ).sum()
    spread = np.trace(a.covariance) + np.trace(b.covariance) - 2 * overlap
    return float(max(shift @ shift + spread, 0.0))


def _root(covariance: Float[np.ndarray, "d d"]) -> Float[np.ndarray, "d d"]:
    values, vectors = np.linalg.eigh(covariance)
    return (vectors * np.sqrt(np.maximum(values, 0.0))) @ vectors.T


def frechet_distance(key: PRNGKey, fake: Features, real: Others) -> Estimate:
    """Return the Fréchet distance (Heusel et al. 2017, arXiv:1706.08500, eq. 6).

    Raises:
        ValueError: if a set has fewer than two rows, a row is not finite, or the rows
            differ in length.
    """
    fake, real = pair("fake", fake, "real", real, least=2)

    def statistic(fake: Features, real: Others) -> float:
        return frechet_between(_moments(fake), _moments(real))

    return bootstrap(key, statistic, fake, real)


def class_matched_moments(
    fake: Features,
    fake_classes: Int[np.ndarray, "n"],
    real_classes: Int[np.ndarray, "m"],
) -> Moments:
    """Return the moments of fakes once every class has its share of the real examples.

    Each fake counts as the share of its class among the real examples over that among
    the fakes. This is what resampling the fakes to the real shares tends to for many
    resamples. A class without a fake stays without.

    Args:
        fake: features of the samples.
        fake_classes: class of each sample, from 0.
        real_classes: class of each real example.

    Returns:
        The moments; NaN where fewer than two fakes are of classes that are real.

    Raises:
        ValueError: if there are fewer than two fakes, a row is not finite, or a fake
            has no class.
    """
    rows = numbers("fake", fake, least=2).astype(np.float64)
    if len(fake_classes) != len(rows):
        raise ValueError(
            f"expected a class of each fake, got {len(fake_classes)} of {len(rows)}"
        )
    count = 1 + int(max(np.max(fake_classes), np.max(real_classes)))
    shares, wanted = (class_shares(c, count) for c in (fake_classes, real_classes))
    weights = (wanted / np.where(shares > 0, shares, 1.0))[fake_classes]
    if np.count_nonzero(weights) < 2:
        nothing = np.full(rows.shape[1], np.nan)
        return Moments(nothing, np.diag(nothing))
    weights = weights / weights.sum()
    mean = weights @ rows
    centred = rows - mean
    spread = (centred * weights[:, None]).T @ centred
    # With equal weights this is the covariance of `moments`.
    return Moments(mean, spread / (1 - np.square(weights).sum()))


def class_matched_frechet_distance(
    key: PRNGKey,
    fake: Features,
    real: Others,
    fake_classes: Int[np.ndarray, "n"],
    real_classes: Int[np.ndarray, "m"],
) -> Estimate:
    """Return the Fréchet distance once every class has its real share.

    What is left is the distance within classes, where the plain distance measures wrong
    proportions of the classes too; see `class_matched_moments`. The bootstrap draws
    the rows of both sets anew with their classes; with one key, the same rows as in
    `frechet_distance`.

    Args:
        key: of the bootstrap.
        fake: features of the samples.
        real: features of real examples.
        fake_classes: class of each sample, from 0.
        real_classes: class of each real example.

    Raises:
        ValueError: if a set has fewer than two rows, a row is not finite, the rows
            differ in length, or a row has no class.
    """
    fake, real = pair("fake", fake, "real", real, least=2)
    if (len(fake_classes), len(real_classes)) != (len(fake), len(real)):
        raise ValueError(
            f"expected a class of each row, got {len(fake_classes)} and "
            f"{len(real_classes)} of {len(fake)} and {len(real)} rows"
        )

    def statistic(fake: np.ndarray, real: np.ndarray) -> float:
        classes = (rows[:, -1].astype(int) for rows in (fake, real))
        matched = class_matched_moments(fake[:, :-1], *classes)
        return frechet_between(matched, _moments(real[:, :-1]))

    return bootstrap(
        key,
        statistic,
        np.column_stack([fake, fake_classes]),
        np.column_stack([real, real_classes]),
    )


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


def classifier_score(key: PRNGKey, logits: Float[np.ndarray, "n classes"]) -> Estimate:
    """Return the exponential of the mutual information of a sample and its class.

    exp E KL(p(y|x) ‖ p(y)), the inception score of Salimans et al. 2016
    (arXiv:1606.03498), section 4, with another classifier: from 1 to the number of
    classes.

    Raises:
        ValueError: if there are fewer than two rows, or one is not finite.
    """
    shifted = numbers("logits", logits, least=2).astype(np.float64)
    shifted = shifted - shifted.max(1, keepdims=True)
    log_p = shifted - np.log(np.exp(shifted).sum(1, keepdims=True))

    def statistic(log_p: Float[np.ndarray, "n classes"]) -> float:
        p = np.exp(log_p)
        # 0 log 0 = 0: a class that no sample has adds nothing to the entropy.
        marginal = np.maximum(p.mean(0), np.finfo(np.float64).tiny)
        return float(np.exp((p * log_p).sum(1).mean() - marginal @ np.log(marginal)))

    return bootstrap(key, statistic, log_p)


def class_shares(
    classes: Int[np.ndarray, "n"], num_classes: int
) -> Float[np.ndarray, "num_classes"]:
    """Return the share of each class.

    Raises:
        ValueError: if there are no classes, or one is not in 0…num_classes − 1.
    """
    classes = np.asarray(classes)
    if classes.ndim != 1 or not np.issubdtype(classes.dtype, np.integer):
        raise ValueError(
            f"classes must be whole numbers [n], got {classes.dtype} "
            f"{list(classes.shape)}"
        )
    if not len(classes) or classes.min() < 0 or classes.max() >= num_classes:
        found = f"{classes.min()}…{classes.max()}" if len(classes) else "none"
        raise ValueError(f"classes must be in 0…{num_classes - 1}, got {found}")
    return np.bincount(classes, minlength=num_classes) / len(classes)


def total_variation(
    key: PRNGKey,
    fake: Int[np.ndarray, "n"],
    real: Int[np.ndarray, "m"],
    num_classes: int,
) -> Estimate:
    """Return half the sum of the absolute differences of class shares, in [0, 1].

    Raises:
        ValueError: if a set has fewer than two rows, or a class is not in
            0…num_classes − 1.
    """

    def statistic(fake: np.ndarray, real: np.ndarray) -> float:
        difference = class_shares(fake, num_classes) - class_shares(real, num_classes)
        return 0.5 * float(np.abs(difference).sum())

    return bootstrap(key, statistic, fake, real)


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
