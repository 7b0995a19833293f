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

STATIONARY = 1e-4
"""Largest Newton decrement of a path whose energy has a derivative: 1 % of error."""


class LeastEnergy(NamedTuple):
    """The energy of a path of least energy.

    Attributes:
        energy: U_N. Its derivative has a relative error of about the square root of the
            decrement.
        decrement: see `newton_decrement`. It has no derivative.
        differentiable: whether the path is stationary, so that the derivative of
            `energy` is that of the least energy. It often is not where the path lies
            on kinks of a network, or where the minimiser was stopped too early.
    """

    energy: Scalar
    decrement: Scalar
    differentiable: Bool[Array, ""]


def least_energy(
    metrics: MetricFamily,
    path: Path,
    item: Any = None,
    *,
    stationary: float = STATIONARY,
) -> LeastEnergy:
    """Return the energy of a minimised path, with the derivative of the least energy.

    It can be differentiated by the data of the metrics (such as the weights of a
    generator), by the item (such as the images at the ends), and by the first and the
    last knot of the path, the two codes. Inner knots are constants. Where the images
    depend on the codes or the weights, compute them in the function that is
    differentiated, and what depends on them has its share in the derivative.

    The derivative is that of the local minimum that the path is near; where another one
    becomes the least, the least energy of all paths has a kink.

    Args:
        metrics: of the path.
        path: that `minimise` found.
        item: data of its metric.
        stationary: largest decrement of a path that counts as stationary.
    """
    inner = jax.lax.stop_gradient(path[1:-1])
    held = jnp.concatenate([path[:1], inner, path[-1:]])
    energy = path_energy(metrics.metric_of(item), held)
    known = jax.lax.stop_gradient((metrics, path, item))
    decrement = newton_decrement(known[0].metric_of(known[2]), known[1])
    return LeastEnergy(energy, decrement, decrement <= stationary)


def newton_decrement(metric: Metric, path: Path) -> Scalar:
    """Return ½ ∇Uᵀ P⁻¹ ∇U / U, about the relative decrease that is still possible."""
    at = expand(metric, path)
    return jnp.vdot(at.gradient, solve_laplacian(at.weights, at.gradient)) / (
        2 * at.energy
    )
