"""The distinct minima among the end points of one image's starts."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from jaxgan.minima.certificates import STATUSES
from jaxgan.minima.counting import cluster
from jaxgan.minima.many_points import Settled

PROVED = ("strict", "kink")
"""The statuses of proved minima."""


class DistinctMinimum(NamedTuple):
    """A proved minimum, and the starts that end in it.

    Attributes:
        latent: its code, in double precision.
        error: mean squared error per pixel, for pixels in [0, 1].
        starts: numbers of the starts that end in it, ascending.
        status: `strict` or `kink`.
        num_held: number of facets that it lies on: kinks of the generator.
        margin: least distance of a multiplier from its bounds, relative to their
            difference; 1/2 without held facets.
        least_curvature: the least eigenvalue of the objective's Hessian on the face.
    """

    latent: Float[np.ndarray, "latent"]
    error: float
    starts: Int[np.ndarray, "ends"]
    status: str
    num_held: int
    margin: float
    least_curvature: float


def distinct_minima(
    settled: Settled, *, code_tolerance: float = 1e-5
) -> tuple[DistinctMinimum, ...]:
    """Return the distinct minima among the end points of one image, the best first.

    End points that were not proved to be minima are left out.

    Args:
        settled: where the starts of one image settled.
        code_tolerance: codes closer than this, relative to their root mean square norm,
            count as one, as in `count_minima`.
    """
    certificates = settled.certificates
    allowed = [STATUSES.index(status) for status in PROVED]
    (proved,) = np.nonzero(np.isin(certificates.status, allowed))
    if not len(proved):
        return ()
    latents = settled.latents[proved]
    scale = np.sqrt(np.mean(np.sum(latents**2, 1)))
    groups = cluster(latents, code_tolerance * scale)
    found = []
    for group in range(groups.max() + 1):
        starts = proved[groups == group]
        best = starts[np.argmin(settled.errors[starts])]
        found.append(
            DistinctMinimum(
                latent=settled.latents[best],
                error=float(settled.errors[best]),
                starts=starts,
                status=STATUSES[certificates.status[best]],
                num_held=int(certificates.num_held[best]),
                margin=float(certificates.margin[best]),
                least_curvature=float(np.min(certificates.eigenvalues[best])),
            )
        )
    return tuple(sorted(found, key=lambda minimum: minimum.error))
