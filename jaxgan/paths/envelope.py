"""The least energy of a path as a function that can be differentiated.

A path of least energy depends on the metric and on the two codes at its ends. By the
envelope theorem, the derivative of its energy is that of the energy of the same path
with its inner knots held fixed: to first order, moving them changes nothing. This holds
where the path is stationary, so that the energy's gradient by the inner knots vanishes.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool

from jaxgan.paths.conformal import Metric, MetricFamily
from jaxgan.paths.curves import Path
from jaxgan.paths.energy import expand, path_energy
from jaxgan.paths.laplacian import solve_laplacian
from jaxgan.types import Scalar

STATIONARY = 1e-8
"""Largest Newton decrement of a path that counts as stationary."""


class LeastEnergy(NamedTuple):
    """The energy of a path of least energy.

    Attributes:
        energy: U_N. Its derivative by the inner knots is taken to be zero.
        decrement: see `newton_decrement`; a constant in derivatives. As the path is not
            exactly the minimiser, the derivative of `energy` is not exactly that of the
            least energy. With WGAN-GP generators its relative error was mostly below
            three times the square root of the decrement, and at most 19 times.
        differentiable: whether the decrement is at most 1e-8. If not, the derivative is
            an estimate: the minimiser was stopped early, or rounding in single
            precision hides the slope, or the path lies on kinks of a network, where the
            gradient of the energy jumps and the least energy may have no derivative.
    """

    energy: Scalar
    decrement: Scalar
    differentiable: Bool[Array, ""]


def least_energy(metrics: MetricFamily, path: Path, item: Any = None) -> LeastEnergy:
    """Return the energy of a minimised path, with the derivative of the least energy.

    It can be differentiated by the data of the metrics (such as the weights of a
    generator), by the item (such as the images at the ends), and by the first and the
    last knot of the path, the two codes. Inner knots are constants. If the images
    depend on the codes or on the weights, let the function that is differentiated
    generate them: then the derivative includes what it owes to them.

    The derivative is that of the local minimum which the path is near. Where another
    one becomes the least, the least energy of all paths has a kink.

    Args:
        metrics: of the path.
        path: that `minimise` found.
        item: data of its metric.
    """
    inner = jax.lax.stop_gradient(path[1:-1])
    held = jnp.concatenate([path[:1], inner, path[-1:]])
    energy = path_energy(metrics.metric_of(item), held)
    known = jax.lax.stop_gradient((metrics, path, item))
    decrement = newton_decrement(known[0].metric_of(known[2]), known[1])
    return LeastEnergy(energy, decrement, decrement <= STATIONARY)


def newton_decrement(metric: Metric, path: Path) -> Scalar:
    """Return ½ ∇Uᵀ P⁻¹ ∇U / U, about the relative decrease that is still possible.

    It is 0 where the energy is.
    """
    at = expand(metric, path)
    some = at.energy != 0  # NaN stays NaN
    weights = jnp.where(some, at.weights, 1.0)
    square = jnp.vdot(at.gradient, solve_laplacian(weights, at.gradient))
    return jnp.where(some, square, 0.0) / jnp.where(some, 2 * at.energy, 1.0)
