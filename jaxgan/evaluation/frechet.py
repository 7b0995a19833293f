"""The Fréchet distance of sets of features, plain and at matched class shares.

It is the Wasserstein-2 distance, squared, of the Gaussians with the sets' moments.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from jaxgan.evaluation.classes import class_shares
from jaxgan.evaluation.rows import Features, Others, numbers, pair
from jaxgan.statistics import Estimate, bootstrap
from jaxgan.types import PRNGKey


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
