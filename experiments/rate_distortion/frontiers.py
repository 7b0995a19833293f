"""Rate-distortion frontiers: convex hulls, and whether one is below another."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float

LEVEL = 0.95
RESAMPLES = 200
GRID = 41


class Curve(NamedTuple):
    """What models of one kind do with the same images; nats.

    Attributes:
        rates: of each image.
        distortions: of each image.
    """

    rates: Float[np.ndarray, "betas seeds n"]
    distortions: Float[np.ndarray, "betas seeds n"]


def hull(
    rates: Float[np.ndarray, "n"], distortions: Float[np.ndarray, "n"]
) -> tuple[Float[np.ndarray, "k"], Float[np.ndarray, "k"]]:
    """Give the corners of the least convex and falling curve through or below points.

    Every point of it can be had: a sender that chooses between two models at random,
    by a coin that the receiver sees, has the mean rate and the mean distortion.
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
    """Read the hull of some points at rates of its range; beyond its end it is flat."""
    return np.interp(wanted, *hull(rates, distortions))


def common_rates(first: Curve, second: Curve) -> Float[np.ndarray, "k"]:
    """Give rates that both kinds achieve with every seed; none if there are none."""
    means = [curve.rates.mean(2) for curve in (first, second)]
    low = max(mean.min(0).max() for mean in means)
    high = min(mean.max(0).min() for mean in means)
    return np.linspace(low, high, GRID) if low < high else np.empty(0)


class Dominance(NamedTuple):
    """How much lower the second curve is than the first, where both are.

    Attributes:
        rates: in nats.
        gaps: distortion of the first minus that of the second at each rate; nats.
        low: end of the interval of each gap.
        high: the other end.
        verdict: `second` if every interval is above zero, `first` if every one is
            below, `neither` otherwise.
    """

    rates: Float[np.ndarray, "k"]
    gaps: Float[np.ndarray, "k"]
    low: Float[np.ndarray, "k"]
    high: Float[np.ndarray, "k"]
    verdict: str


def dominance(seed: int, first: Curve, second: Curve) -> Dominance:
    """Test whether a curve is below the other at every rate that both achieve.

    Pairs are of equal seeds and equal images. The variance of a mean gap is that
    between seeds, over their number, and that between resampled sets of images; the
    interval is Student's, with one degree of freedom less than there are seeds. A
    claim about every rate at once needs every interval on one side, and no correction
    for their number (Berger 1982, intersection-union tests).

    Raises:
        ValueError: if there are fewer than two seeds, or the curves are not paired.
    """
    from scipy.stats import t

    _, seeds, count = first.rates.shape
    if seeds < 2 or second.rates.shape[1:] != (seeds, count):
        raise ValueError(
            "expected curves of the same two or more seeds and the same images, got "
            f"{first.rates.shape} and {second.rates.shape}"
        )
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
