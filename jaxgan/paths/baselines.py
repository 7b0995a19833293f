"""Methods that `jaxgan.paths.quasi_newton` is compared with, on the same interface."""

from typing import NamedTuple

import jax.numpy as jnp
import optax

from jaxgan.paths.conformal import Metric
from jaxgan.paths.curves import Path
from jaxgan.paths.energy import Weights, expand
from jaxgan.paths.laplacian import Curvature, solve_laplacian
from jaxgan.paths.methods import Method, State
from jaxgan.paths.quasi_newton import lbfgs


def laplacian_preconditioner(
    curvature: Curvature, weights: Weights, path: Path, gradient: Path
) -> Path:
    """Precondition with the path Laplacian alone."""
    del curvature, path
    return solve_laplacian(weights, gradient)


def identity(
    curvature: Curvature, weights: Weights, path: Path, gradient: Path
) -> Path:
    """Only scale, by the mean diagonal of the path Laplacian."""
    del curvature, path
    return gradient / (4 * len(weights) * jnp.mean(weights))


def georce() -> Method:
    """Descend along P⁻¹∇U: the step of GEORCE for a conformal metric.

    Rygaard & Hauberg 2025, arXiv:2505.05961.
    """
    return lbfgs(laplacian_preconditioner, memory=0, uses_curvature=False)


def plain_lbfgs() -> Method:
    """L-BFGS as it is."""
    return lbfgs(identity, rescale=True, uses_curvature=False)


class Moments(NamedTuple):
    """What Adam remembers.

    Attributes:
        trial: the next path to evaluate.
        optimizer: optax state.
    """

    trial: Path
    optimizer: optax.OptState


def adam(rate: float) -> Method:
    """Adam on the knots; the best path it has met is kept.

    Args:
        rate: step size, in units of the distance between the two codes.
    """
    optimizer = optax.adam(rate)

    def init(path: Path) -> State:
        unknown = jnp.full((), jnp.inf, path.dtype)
        inner = Moments(path, optimizer.init(path))
        return State(path, unknown, unknown, jnp.array(False), inner)

    def step(metric: Metric, curvature: Curvature, state: State) -> State:
        del curvature
        now: Moments = state.inner
        new = expand(metric, now.trial)
        change, moments = optimizer.update(new.gradient, now.optimizer)
        distance = jnp.linalg.norm(now.trial[-1] - now.trial[0])
        inner = Moments(now.trial + distance * jnp.asarray(change), moments)
        better = new.energy < state.energy  # False for NaN
        return state._replace(
            path=jnp.where(better, now.trial, state.path),
            energy=jnp.where(better, new.energy, state.energy),
            stuck=~jnp.all(jnp.isfinite(new.gradient)),
            inner=inner,
        )

    return Method(init, step)
