"""Methods that `quasi_newton` is compared with, with the same interface."""

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
    """Return P⁻¹ times a gradient, P the path Laplacian, without the curvature."""
    del curvature, path
    return solve_laplacian(weights, gradient)


def identity(
    curvature: Curvature, weights: Weights, path: Path, gradient: Path
) -> Path:
    """Return a gradient divided by the mean diagonal of the path Laplacian."""
    del curvature, path
    return gradient / (4 * len(weights) * jnp.mean(weights))


def georce() -> Method:
    """Return descent along P⁻¹∇U, the step of GEORCE for a conformal metric.

    Rygaard & Hauberg 2025 (arXiv:2505.05961).
    """
    return lbfgs(laplacian_preconditioner, memory=0, uses_curvature=False)


def plain_lbfgs() -> Method:
    """Return L-BFGS without a preconditioner."""
    return lbfgs(identity, rescale=True, uses_curvature=False)


class Moments(NamedTuple):
    """The inner state of Adam.

    Attributes:
        trial: the next path to evaluate.
        optimizer: optax state.
    """

    trial: Path
    optimizer: optax.OptState


def adam(rate: optax.ScalarOrSchedule) -> Method:
    """Return Adam on the knots, with the best path so far as its result.

    Args:
        rate: step size, in units of the distance between the two codes; a schedule
            gives one for each evaluation.
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
