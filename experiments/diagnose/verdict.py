"""From what was measured to what is at fault."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from experiments.diagnose.evidence import Evidence
from experiments.diagnose.measures import GRAY_LEVEL

BAD = 0.2
"""An image is badly inverted if more than this part of the trivial error is left. With
mnist-wgan-gp a thorough search leaves at most 0.09 on test digits, and the nearest
sample, which is another digit, 0.4: halfway in the logarithm is 0.2."""
MANY = 0.1
"""Nothing is at fault if fewer images than this part are badly inverted. A digit that a
generator cannot make is a tenth of them."""


class Parts(NamedTuple):
    """What makes the error of the badly inverted images, in parts that add up to 1.

    Attributes:
        steps: what goes away when the search is followed to its end.
        starts: what goes away besides from other starts.
        weight: what goes away besides without the weight κ.
        flat: what even the thorough search leaves on images that can be made.
        generator: the rest.
    """

    steps: float
    starts: float
    weight: float
    flat: float
    generator: float

    @property
    def search(self) -> float:
        """The part of the search."""
        return 1 - self.generator


class Verdict(NamedTuple):
    """What is at fault.

    Attributes:
        name: search, generator or neither.
        bad: numbers of the images that are badly inverted.
        of_search: those of them that are the search's fault.
        parts: what makes the error of the bad ones; None if there are none.
    """

    name: str
    bad: tuple[int, ...]
    of_search: tuple[int, ...]
    parts: Parts | None


def decide(found: Evidence) -> Verdict:
    """Return what is at fault.

    An image is badly inverted if the judged search leaves more than `BAD` of the
    trivial error. That is the fault of the search if a better search mends it, and
    takes away more than half of its error; otherwise of the generator. The verdict is
    that of most of these images.
    """
    errors = _errors(found)
    judged, least = errors[0], errors[-1]
    bad = judged > np.maximum(BAD * found.trivial, GRAY_LEVEL)
    mended = least <= np.minimum(BAD * found.trivial, judged / 2)
    of_search = bad & mended
    name = "neither"
    if bad.mean() >= MANY:
        name = "search" if 2 * of_search.sum() >= bad.sum() else "generator"
    return Verdict(
        name,
        tuple(np.flatnonzero(bad).tolist()),
        tuple(np.flatnonzero(of_search).tolist()),
        _parts(errors[:, bad]) if bad.any() else None,
    )


def _errors(found: Evidence) -> Float[np.ndarray, "searches n"]:
    """Return the errors of searches, each of which has the codes of those before it.

    The last one is a search that also finds what the thorough search cannot: of its
    error on the targets, the part is subtracted that it leaves on own images.
    """
    own_trivial = found.own_trivial.mean()
    alike = own_trivial < GRAY_LEVEL  # own images are one image, and prove nothing
    flat = 0.0 if alike else found.own.mean() / own_trivial
    searches = [
        found.judged.errors,
        found.polished,
        found.same_weight,
        found.thorough.errors,
    ]
    errors = np.minimum.accumulate(searches)
    return np.vstack([errors, np.maximum(errors[-1] - flat * found.trivial, 0)])


def _parts(errors: Float[np.ndarray, "searches bad"]) -> Parts:
    sums = errors.sum(1)
    gains = np.append(sums[:-1] - sums[1:], sums[-1])
    return Parts._make((gains / sums[0]).tolist())
