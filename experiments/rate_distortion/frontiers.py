"""Rate-distortion frontiers compared: by their hulls at equal rates, and at equal β."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float

LEVEL = 0.95
"""Confidence of the interval at each rate."""
RESAMPLES = 200
"""Resampled sets of images, for the variance between images."""
GRID = 41
"""Rates at which two curves are compared."""


class Curve(NamedTuple):
    """Rates and distortions of the same images under all models of one kind, in nats.

    Attributes:
        rates: of each image.
        distortions: of each image.
    """

    rates: Float[np.ndarray, "betas seeds n"]
    distortions: Float[np.ndarray, "betas seeds n"]


def hull(
    rates: Float[np.ndarray, "n"], distortions: Float[np.ndarray, "n"]
) -> tuple[Float[np.ndarray, "k"], Float[np.ndarray, "k"]]:
    """Return the corners of the lower convex hull of points, as far as it falls.

    Every point between two corners can be reached: a sender who chooses between two
    models by a coin that the receiver sees too has their mean rate and distortion.
    """
    order = np.lexsort((distortions, rates))
    corners: list[np.ndarray] = []
    for point in np.stack([rates, distortions], 1)[order]:
        if corners and point[1] >= corners[-1][1]:
            continue
        while len(corners) > 1 and _is_above(corners[-2], corners[-1], point):
            corners.pop()
        corners.append(point)
    return np.array(corners)[:, 0], np.array(corners)[:, 1]


def _is_above(first: np.ndarray, middle: np.ndarray, last: np.ndarray) -> bool:
    along, across = last - first, middle - first
    return bool(along[0] * across[1] >= along[1] * across[0])


def distortion_at(
    rates: Float[np.ndarray, "n"],
    distortions: Float[np.ndarray, "n"],
    wanted: Float[np.ndarray, "k"],
) -> Float[np.ndarray, "k"]:
    """Return the distortion of the hull at the wanted rates.

    Beyond its last corner the hull is flat. Rates before its first corner are not
    meaningful.
    """
    return np.interp(wanted, *hull(rates, distortions))


def common_rates(first: Curve, second: Curve) -> Float[np.ndarray, "k"]:
    """Return rates that both kinds achieve with every seed; empty if there are none."""
    means = [curve.rates.mean(2) for curve in (first, second)]
    low = max(mean.min(0).max() for mean in means)
    high = min(mean.max(0).min() for mean in means)
    return np.linspace(low, high, GRID) if low < high else np.empty(0)


class Dominance(NamedTuple):
    """How much lower the second curve is than the first, at rates that both achieve.

    Attributes:
        rates: in nats.
        gaps: distortion of the first minus that of the second at each rate, in nats.
        low: lower end of the confidence interval of each gap.
        high: its upper end.
        verdict: `second` if every interval is above zero, `first` if every one is
            below, `neither` otherwise.
    """

    rates: Float[np.ndarray, "k"]
    gaps: Float[np.ndarray, "k"]
    low: Float[np.ndarray, "k"]
    high: Float[np.ndarray, "k"]
    verdict: str


def dominance(seed: int, first: Curve, second: Curve) -> Dominance:
    """Test whether one curve is below the other at every rate that both achieve.

    The curves are paired by seed and by image. The variance of a mean gap is the
    variance between seeds, divided by their number, plus the variance between resampled
    sets of images; the interval is Student's, with one degree of freedom less than
    there are seeds. A claim about all rates at once needs every interval on one side of
    zero, without a correction for their number (Berger 1982, intersection-union tests).

    Args:
        seed: of the resampling.
        first: one curve.
        second: the other.

    Raises:
        ValueError: if there are fewer than two seeds, or the curves are not paired.
    """
    from scipy.stats import t

    _require_pairs(first, second)
    _, seeds, count = first.rates.shape
    rates = common_rates(first, second)
    if not len(rates):
        return Dominance(rates, rates, rates, rates, "neither")

    def gaps(weights: Float[np.ndarray, "n"]) -> Float[np.ndarray, "seeds k"]:
        one, other = (
            (curve.rates @ weights, curve.distortions @ weights)
            for curve in (first, second)
        )
        return np.stack(
            [
                distortion_at(one[0][:, n], one[1][:, n], rates)
                - distortion_at(other[0][:, n], other[1][:, n], rates)
                for n in range(seeds)
            ]
        )

    of_seeds = gaps(np.full(count, 1 / count))
    rng = np.random.default_rng(seed)
    resampled = [
        gaps(rng.multinomial(count, np.full(count, 1 / count)) / count).mean(0)
        for _ in range(RESAMPLES)
    ]
    variance = of_seeds.var(0, ddof=1) / seeds + np.var(resampled, 0, ddof=1)
    half = t.ppf(0.5 + LEVEL / 2, seeds - 1) * np.sqrt(variance)
    mean = of_seeds.mean(0)
    low, high = mean - half, mean + half
    verdict = "neither"
    if np.all(low > 0):
        verdict = "second"
    elif np.all(high < 0):
        verdict = "first"
    return Dominance(rates, mean, low, high, verdict)


class Gaps(NamedTuple):
    """How much more of D + βR the second kind has than the first, at each β, in nats.

    Attributes:
        gaps: means over seeds and images.
        low: lower end of the confidence interval of each gap.
        high: its upper end.
    """

    gaps: Float[np.ndarray, "betas"]
    low: Float[np.ndarray, "betas"]
    high: Float[np.ndarray, "betas"]


def at_equal_beta(
    betas: Float[np.ndarray, "betas"], first: Curve, second: Curve
) -> Gaps:
    """Compare what both kinds minimise, D + βR, at each β.

    No curve has to be drawn between points: chords lie above a convex curve, and a hull
    is compared with the other kind's points where its own are far apart. The intervals
    are those of `dominance`, paired by seed and by image.

    Args:
        betas: of both curves.
        first: one curve.
        second: the other.

    Raises:
        ValueError: if there are fewer than two seeds, or the curves are not paired.
    """
    from scipy.stats import t

    _require_pairs(first, second)
    differences = (second.distortions - first.distortions) + betas[:, None, None] * (
        second.rates - first.rates
    )
    _, seeds, count = differences.shape
    of_seeds, of_images = differences.mean(2), differences.mean(1)
    variance = of_seeds.var(1, ddof=1) / seeds + of_images.var(1, ddof=1) / count
    half = t.ppf(0.5 + LEVEL / 2, seeds - 1) * np.sqrt(variance)
    gaps = differences.mean((1, 2))
    return Gaps(gaps, gaps - half, gaps + half)


def _require_pairs(first: Curve, second: Curve) -> None:
    if first.rates.shape[1] < 2 or second.rates.shape[1:] != first.rates.shape[1:]:
        raise ValueError(
            "expected curves of the same two or more seeds and the same images, got "
            f"{first.rates.shape} and {second.rates.shape}"
        )
