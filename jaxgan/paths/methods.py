"""The interface of all methods that minimise the energy of a path.

A step evaluates energy and gradient once. Steps are for one path; `jax.vmap` makes them
steps for many.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

from jaxtyping import Array, Bool

from jaxgan.paths.conformal import Metric
from jaxgan.paths.curves import Path
from jaxgan.paths.laplacian import Curvature
from jaxgan.types import Scalar


class State(NamedTuple):
    """The state of a method for one path.

    Attributes:
        path: the best path so far.
        energy: its energy; infinite before the first evaluation, or if none was finite.
        decrement: decrease of the energy that the method predicts for its next step;
            infinite while it is unknown.
        stuck: whether the method has given up.
        inner: further state of this method.
    """

    path: Path
    energy: Scalar
    decrement: Scalar
    stuck: Bool[Array, ""]
    inner: Any


class Method(NamedTuple):
    """A method that minimises the energy of a path.

    Attributes:
        init: `init(path)` is the first state; it evaluates nothing.
        step: `step(metric, curvature, state)` is the next state. It evaluates energy
            and gradient once, and accepts no path where they are not finite.
        uses_curvature: whether `step` reads the curvature. If not, it is given zeros.
    """

    init: Callable[[Path], State]
    step: Callable[[Metric, Curvature, State], State]
    uses_curvature: bool = False
