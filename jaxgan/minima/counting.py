"""Estimates of the number of local minima from the end points of random starts."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from jaxgan.statistics import Interval, wilson

NORMAL_QUANTILE = 1.959963984540054
"""Of the standard normal distribution at 0.975, for intervals of 95 %."""


UNKNOWN = Interval(float("nan"), float("nan"), float("nan"))


class Pairs(NamedTuple):
    """Shares of pairs of end points, by whether their codes and images are the same."""

    same_code_same_image: float
    same_code_other_image: float
    other_code_same_image: float
    other_code_other_image: float


class Count(NamedTuple):
    """What the end points of one image's starts tell of its minima.

    Intervals are of 95 %.

    Attributes:
        seen: number of distinct codes among the end points.
        seen_images: number of distinct images among them.
        coverage: probability that one more independent start ends in a minimum that the
            independent starts have seen; see `good_turing`.
        at_least: lower bound of the number of minima; see `chao`.
        success: probability that an independent start ends in the best minimum that
            the other starts found, with Wilson's interval.
        starts_to_99: number of such starts of which one reaches that minimum with
            probability 0.99; infinite where none did.
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

    Two points belong to one group if a chain of points connects them, with steps whose
    Euclidean length is at most `tolerance`. Groups are numbered in the order of their
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


def alike(points: Float[np.ndarray, "n d"], tolerance: float) -> Int[np.ndarray, "n"]:
    """Return the number of each point's group, counted from 0.

    No two points of one group are farther apart than `tolerance`: from groups of one
    point each, the two that are nearest by their farthest points are joined, again and
    again (complete linkage). Groups are numbered in the order of their first points.

    Args:
        points: one or more.
        tolerance: greatest Euclidean distance within a group.
    """
    from scipy.cluster.hierarchy import complete, fcluster
    from scipy.spatial.distance import pdist

    if len(points) == 1:
        return np.zeros(1, int)
    groups = fcluster(complete(pdist(points)), tolerance, "distance")
    _, first, which = np.unique(groups, return_index=True, return_inverse=True)
    return np.argsort(np.argsort(first))[which]


def count_minima(
    latents: Float[np.ndarray, "starts latent"],
    images: Float[np.ndarray, "starts pixels"],
    values: Float[np.ndarray, "starts"],
    independent: Bool[np.ndarray, "starts"] | None = None,
    *,
    code_tolerance: float = 1e-5,
    image_tolerance: float = 0.5,
) -> Count:
    """Return what the end points of one image's starts tell of its minima.

    Args:
        latents: end points that have converged (`settle`); others, scattered around one
            minimum, would be counted as many.
        images: generated there, pixels in [0, 1].
        values: of the objective that was minimised, in any unit; the best minimum has
            the least.
        independent: whether each end point is of a start that was drawn independently
            from one distribution, such as the prior. Coverage, bound and success are
            estimated from these; all others choose the best minimum, since a minimum
            is found by the starts that choose it. None: all are independent, and every
            second one chooses.
        code_tolerance: codes closer than this, relative to their root mean square norm,
            count as one.
        image_tolerance: images of which no two are farther apart than this count as
            one, in Euclidean distance over all pixels. A change of 0.5 is hard to see.

    Returns:
        The count. Intervals are NaN where no end point is independent, and those of
        the success also where none is left to choose.

    Raises:
        ValueError: if there are no end points, or not a finite code and image of each.
    """
    if not len(latents):
        raise ValueError("minima cannot be counted without end points")
    lengths = {len(latents), len(images), len(values)}
    if len(lengths) > 1:
        raise ValueError(
            f"expected a code, an image and a value of each end point, got "
            f"{len(latents)}, {len(images)} and {len(values)}"
        )
    for name, rows in (("latents", latents), ("images", images)):
        if not np.isfinite(rows).all():
            bad = np.flatnonzero(~np.isfinite(rows).all(1))[0]
            raise ValueError(f"{name}: row {bad} is not finite")
    scale = np.sqrt(np.mean(np.sum(latents**2, 1)))
    codes = cluster(latents, code_tolerance * scale)
    groups = alike(images, image_tolerance)
    if independent is None:
        drawn = codes
        odd = np.arange(len(codes)) % 2 == 1
        success = _success(codes, values, ~odd, odd)
    else:
        drawn = np.unique(codes[independent], return_inverse=True)[1]
        success = _success(codes, values, ~independent, independent)
    return Count(
        seen=int(codes.max()) + 1,
        seen_images=int(groups.max()) + 1,
        coverage=good_turing(drawn) if len(drawn) else UNKNOWN,
        at_least=chao(drawn) if len(drawn) else UNKNOWN,
        success=success,
        starts_to_99=starts_needed(success.value),
        pairs=_pairs(codes, groups),
    )


def _success(
    codes: Int[np.ndarray, "n"],
    values: Float[np.ndarray, "n"],
    choosing: Bool[np.ndarray, "n"],
    counting: Bool[np.ndarray, "n"],
) -> Interval:
    """Return how often some starts end in the best minimum of the others."""
    if not (choosing.any() and counting.any()):
        return UNKNOWN
    best = codes[choosing][np.argmin(values[choosing])]
    return wilson(int(np.sum(codes[counting] == best)), int(counting.sum()))


def good_turing(labels: Int[np.ndarray, "n"]) -> Interval:
    """Return the estimated coverage of a sample: 1 − f₁/R (Good 1953, Biometrika 40).

    The coverage is the probability that one more draw is of a kind already seen; fₖ is
    the number of kinds that were seen k times in R draws. The interval is Wilson's
    with the variance of Esty (1983, Ann. Statist. 11:905),
    (f₁/R (1 − f₁/R) + 2 f₂/R)/R. The bootstrap would overstate the coverage, because it
    repeats kinds that were seen once.

    Args:
        labels: the kind of each draw, numbered from 0.
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
    """Return a lower bound of the number of kinds: S + f₁ (f₁ − 1) / (2 (f₂ + 1)).

    The bias-corrected bound of Chao (1984, Scand. J. Statist. 11:265): S kinds were
    seen, fₖ of them k times. The interval is that of Chao (1987, Biometrics 43:783),
    log-normal in the number of unseen kinds. It is an interval of the bound; the number
    of kinds itself may be larger.

    Args:
        labels: the kind of each draw, numbered from 0.
    """
    seen, once, twice = _frequencies(labels)
    unseen = once * (once - 1) / (2 * (twice + 1))
    if not unseen:
        # If all kinds are equally likely, each is missed with probability exp(−R/S).
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
    """Return the number of kinds that were seen, seen once, and seen twice."""
    times = np.bincount(labels)
    return (
        float(np.sum(times > 0)),
        float(np.sum(times == 1)),
        float(np.sum(times == 2)),
    )


def starts_needed(success: float, confidence: float = 0.99) -> float:
    """Return the number of starts of which one succeeds with probability `confidence`.

    Args:
        success: probability that a single start succeeds; if 0, no number suffices, and
            infinity is returned. NaN has the answer NaN.
        confidence: wanted probability.
    """
    if success >= 1:
        return 1.0
    if success <= 0:
        return float("inf")
    return float(np.maximum(1.0, np.log(1 - confidence) / np.log(1 - success)))


def _pairs(codes: Int[np.ndarray, "n"], images: Int[np.ndarray, "n"]) -> Pairs:
    upper = np.triu_indices(len(codes), 1)
    code = (codes[:, None] == codes[None])[upper]
    image = (images[:, None] == images[None])[upper]
    table = [code & image, code & ~image, ~code & image, ~code & ~image]
    return Pairs(*(float(t.mean()) if len(t) else float("nan") for t in table))
