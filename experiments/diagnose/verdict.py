"""From what was measured to what is at fault."""

from typing import NamedTuple

import numpy as np

from experiments.diagnose.evidence import GRAY_LEVEL, Evidence

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
        parts: what makes their error; None if there are none.
        flatness: error that the thorough search leaves on own images, as a part of the
            trivial one.
    """

    name: str
    bad: tuple[int, ...]
    parts: Parts | None
    flatness: float


def decide(found: Evidence) -> Verdict:
    """Return what is at fault.

    An image is badly inverted if the judged search leaves too much of the error that an
    image has which knows nothing of it. The error of all of these is divided into the
    part of the search, which a better search takes away, and that of the generator,
    which the best known codes leave. The larger part is at fault.
    """
    bad = found.judged.errors > np.maximum(BAD * found.trivial, GRAY_LEVEL)
    own_trivial = found.own_trivial.mean()
    alike = own_trivial < GRAY_LEVEL  # own images are one image, and prove nothing
    flatness = 0.0 if alike else float(found.own.mean() / own_trivial)
    parts = _parts(found, bad, flatness) if bad.any() else None
    name = "neither"
    if parts is not None and bad.mean() >= MANY:
        name = "search" if parts.search > parts.generator else "generator"
    return Verdict(name, tuple(np.flatnonzero(bad).tolist()), parts, flatness)


def _parts(found: Evidence, bad: np.ndarray, flatness: float) -> Parts:
    # Each of these searches has the codes of the one before it.
    errors = [
        found.judged.errors[bad],
        found.polished[bad],
        found.same_weight[bad],
        found.thorough.errors[bad],
    ]
    judged, polished, same_weight, least = np.minimum.accumulate(errors)
    flat = np.minimum(flatness * found.trivial[bad], least)
    whole = judged.sum()
    return Parts(
        *(
            float(each.sum() / whole)
            for each in (
                judged - polished,
                polished - same_weight,
                same_weight - least,
                flat,
                least - flat,
            )
        )
    )
