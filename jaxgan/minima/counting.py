"""How many local minima are there? Estimates from the ends of random starts."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from jaxgan.statistics import Interval, wilson

NORMAL_QUANTILE = 1.959963984540054


class Pairs(NamedTuple):
    """Shares of the pairs of end points, by whether code and image are the same."""

    same_code_same_image: float
    same_code_other_image: float
    other_code_same_image: float
    other_code_other_image: float


class Count(NamedTuple):
    """What the end points of one image's starts say of its minima.

    Attributes:
        seen: distinct codes among the end points.
        seen_images: distinct images among them.
        coverage: probability that one more start ends in a minimum already seen
            (Good 1953), 1 − f₁/R with f₁ minima seen once in R starts.
        at_least: lower bound of the number of minima (Chao 1984, bias-corrected),
            seen + f₁ (f₁ − 1) / (2 (f₂ + 1)).
        success: probability that a start ends in the best minimum, Wilson's interval.
        starts_to_99: starts needed to meet the best minimum with probability 0.99.
        pairs: 2×2 table of pairs of end points.
    """

    seen: int
    seen_images: int
    coverage: Interval
    at_least: Interval
    success: Interval
    starts_to_99: float
    pairs: Pairs


def cluster(points: Float[np.ndarray, "n d"], tolerance: float) -> Int[np.ndarray, "n"]:
    """Return the number of each point's group, counted from 0.

    Two points belong to one group if a chain of points connects them whose steps are at
    most `tolerance` long (Euclidean distance). Groups are numbered in the order of their
    first points.

    Args:
        points: one or more.
        tolerance: greatest length of a step.
    """
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import connected_components
    from scipy.spatial.distance import pdist, squareform

    near = squareform(pdist(points) <= tolerance)
    return connected_components(csr_array(near), directed=False)[1]


def count_minima(
    latents: Float[np.ndarray, "starts latent"],
    images: Float[np.ndarray, "starts pixels"],
    errors: Float[np.ndarray, "starts"],
    *,
    code_tolerance: float = 1e-5,
    image_tolerance: float = 0.5,
) -> Count:
    """Count the minima that random starts of one image ended in.

    Args:
        latents: end points, polished: an unpolished cloud looks like many minima.
        images: generated there, pixels in [0, 1].
        errors: of the end points.
        code_tolerance: codes so close are one, relative to their root mean square norm.
        image_tolerance: images so close in Euclidean distance are one; half is a
            change that is hard to see.

    Raises:
        ValueError: if there are no end points.
    """
    if not len(latents):
        raise ValueError("minima cannot be counted without end points")
    scale = np.sqrt(np.mean(np.sum(latents**2, 1)))
    codes = cluster(latents, code_tolerance * scale)
    looks = cluster(images, image_tolerance)
    best = codes[np.argmin(errors)]
    hits, starts = int(np.sum(codes == best)), len(codes)
    success = wilson(hits, starts)
    return Count(
        seen=int(codes.max()) + 1,
        seen_images=int(looks.max()) + 1,
        coverage=good_turing(codes),
        at_least=chao(codes),
        success=success,
        starts_to_99=starts_needed(success.value),
        pairs=_pairs(codes, looks),
    )


def good_turing(labels: Int[np.ndarray, "n"]) -> Interval:
    """Estimate the probability of the kinds that were seen: 1 − f₁/R (Good 1953).

    The interval is Wilson's with the variance of Esty (1983, Ann. Statist. 11:905),
    (f₁/R (1 − f₁/R) + 2 f₂/R)/R. Redrawing the sample would overstate what is known:
    it repeats kinds that were seen once.
    """
    _, once, twice = _frequencies(labels)
    count, z2 = len(labels), NORMAL_QUANTILE**2
    share = once / count
    centre = (share + z2 / (2 * count)) / (1 + z2 / count)
    spread = (share * (1 - share) + 2 * twice / count) / count + z2 / (4 * count**2)
    half = NORMAL_QUANTILE * np.sqrt(spread) / (1 + z2 / count)
    return Interval(
        1 - share, max(1 - float(centre + half), 0), min(1 - float(centre - half), 1)
    )


def chao(labels: Int[np.ndarray, "n"]) -> Interval:
    """Bound the number of kinds from below: S + f₁ (f₁ − 1) / (2 (f₂ + 1)).

    The interval is that of Chao (1987, Biometrics 43:783): log-normal in what was not
    seen. It is one of the bound; the number of kinds itself may be larger.
    """
    seen, once, twice = _frequencies(labels)
    unseen = once * (once - 1) / (2 * (twice + 1))
    if not unseen:
        # Each kind is missed with the probability exp(−R/S) if shares are equal.
        missed = np.exp(-len(labels) / seen)
        centre, half = seen / (1 - missed), np.sqrt(seen * missed) / (1 - missed)
        return Interval(seen, seen, float(centre + NORMAL_QUANTILE * half))
    if twice:
        ratio = once / (twice + 1)
        variance = (
            unseen
            + ratio**2 * (2 * once - 1) ** 2 / (4 * once)
            + ratio**2 * twice * ((once - 1) / (twice + 1)) ** 2 / 4
        )
    else:
        variance = (
            unseen + once * (2 * once - 1) ** 2 / 4 - once**4 / (4 * (seen + unseen))
        )
    spread = np.exp(NORMAL_QUANTILE * np.sqrt(np.log1p(variance / unseen**2)))
    return Interval(
        seen + unseen, float(seen + unseen / spread), float(seen + unseen * spread)
    )


def _frequencies(labels: Int[np.ndarray, "n"]) -> tuple[float, float, float]:
    """Count the kinds that were seen, seen once, and seen twice."""
    times = np.bincount(labels)
    return (
        float(np.sum(times > 0)),
        float(np.sum(times == 1)),
        float(np.sum(times == 2)),
    )


def starts_needed(success: float, confidence: float = 0.99) -> float:
    """Give the starts until one succeeds with a probability; infinite if none can."""
    if success >= 1:
        return 1.0
    if success <= 0:
        return float("inf")
    return float(max(1.0, np.log(1 - confidence) / np.log(1 - success)))


def _pairs(codes: Int[np.ndarray, "n"], looks: Int[np.ndarray, "n"]) -> Pairs:
    upper = np.triu_indices(len(codes), 1)
    code = (codes[:, None] == codes[None])[upper]
    look = (looks[:, None] == looks[None])[upper]
    table = [(code & look), (code & ~look), (~code & look), (~code & ~look)]
    return Pairs(*(float(t.mean()) if len(t) else float("nan") for t in table))
