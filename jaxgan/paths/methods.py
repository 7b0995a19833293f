"""The one interface of all methods that lower the energy of a path.

A step evaluates energy and gradient once. Steps are for one path and batch with `vmap`.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

from jaxtyping import Array, Bool

from jaxgan.paths.conformal import Metric
from jaxgan.paths.curves import Path
from jaxgan.paths.laplacian import Curvature
from jaxgan.types import Scalar


class State(NamedTuple):
    """One path on its way down.

    Attributes:
        path: the best one so far.
        energy: of it; infinite before the first evaluation, or if none was finite.
        decrement: what the method expects to gain from its next step; infinite if it
            expects nothing.
        stuck: whether the method gave up.
        inner: what only the method knows.
    """

    path: Path
    energy: Scalar
    decrement: Scalar
    stuck: Bool[Array, ""]
    inner: Any


class Method(NamedTuple):
    """A way to lower the energy.

    Attributes:
        init: `init(path)`, evaluates nothing.
        step: `step(metric, curvature, state)`, evaluates energy and gradient once.
            Nothing that is not finite is ever accepted.
        uses_curvature: whether the curvature matters to it.
    """

    init: Callable[[Path], State]
    step: Callable[[Metric, Curvature, State], State]
    uses_curvature: bool = False
