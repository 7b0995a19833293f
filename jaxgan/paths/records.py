"""Measurements of a path: how exact its energy is, and whether it is a minimum.

They need double precision: in single precision the gradient of an energy U is not exact
enough for decrements below about 1e-6 U.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from jaxgan.networks import arguments
from jaxgan.parallel import devices
from jaxgan.paths.conformal import Metric, MetricFamily
from jaxgan.paths.curves import Path, line, slerp, subdivide
from jaxgan.paths.energy import expand, path_energy, segment_lengths, segment_weights
from jaxgan.paths.envelope import newton_decrement
from jaxgan.paths.laplacian import apply_laplacian, solve_laplacian
from jaxgan.types import PRNGKey, Scalar

Energies = Float[Array | np.ndarray, "n"]

PARTS = 8
"""Parts into which segments are cut to compute the energy of the polygon."""
NEGATIVE = -1e-6
"""Eigenvalues of P⁻¹H below this count as negative; most are near 1."""
STEPS = 20
"""Steps of Lanczos's method."""


class Record(NamedTuple):
    """Measurements of a path with N segments.

    Attributes:
        energy: U_N.
        energy_half: U_{N/2} of the path through every second knot; NaN if there is no
            such path. If U_N is the least with N segments, this is the least with N/2
            to fourth order, and `richardson` takes both.
        energy_quarter: U_{N/4} of the path through every fourth knot, likewise.
        polygon_energy: energy of the same polygon, computed in finer parts. Apart from
            its own quadrature error it is an upper bound of the least energy.
        energy_line: U_N of the straight line.
        energy_slerp: U_N of the spherical interpolation.
        decrement: see `newton_decrement`; at kinks of a network it does not vanish.
        speed_variation: see `speed_variation`.
        morse_index: see `morse_index`.
        least_eigenvalue: the smallest eigenvalue of P⁻¹H that was found.
    """

    energy: Scalar
    energy_half: Scalar
    energy_quarter: Scalar
    polygon_energy: Scalar
    energy_line: Scalar
    energy_slerp: Scalar
    decrement: Scalar
    speed_variation: Scalar
    morse_index: Int[Array, ""]
    least_eigenvalue: Scalar


def record_paths(
    key: PRNGKey,
    metrics: MetricFamily,
    paths: Float[np.ndarray, "n k d"],
    items: Any = None,
) -> Record:
    """Return the measurements of each path, computed in double precision.

    Args:
        key: of the random vector with which Lanczos's method begins.
        metrics: of the paths.
        paths: in any precision.
        items: data of each path's metric, as in `minimise_many`.

    Raises:
        ValueError: if there are no paths, or they have fewer than two segments.
    """
    paths = np.asarray(arguments.floats("paths", paths, ("n", "knots", "latent")))
    if paths.shape[1] < 3:
        raise ValueError(f"expected at least 3 knots, got {paths.shape[1]}")
    with jax.enable_x64(True):
        exact = jax.tree.map(lambda leaf: np.asarray(leaf, np.float64), items)
        rows = np.asarray(paths, np.float64), exact
        return devices.map_rows(_record_all, (), (metrics, key), rows)


def _record_all(
    metrics: MetricFamily, key: PRNGKey, paths: Array, items: Any
) -> Record:
    exact = metrics.as_type(paths.dtype)
    return jax.lax.map(
        lambda pair: record_path(key, exact.metric_of(pair[1]), pair[0]),
        (paths, items),
    )


def record_path(key: PRNGKey, metric: Metric, path: Path) -> Record:
    """Return the measurements of one path, in its own precision."""
    segments = len(path) - 1
    ends = path[0], path[-1], segments
    eigenvalues = lowest_eigenvalues(key, metric, path)

    def thinned(step: int) -> Scalar:
        if segments % step:
            return jnp.full((), jnp.nan, path.dtype)
        return path_energy(metric, path[::step])

    return Record(
        thinned(1),
        thinned(2),
        thinned(4),
        path_energy(metric, subdivide(path, PARTS)),
        path_energy(metric, line(*ends)),
        path_energy(metric, slerp(*ends)),
        newton_decrement(metric, path),
        speed_variation(metric, path),
        morse_index(eigenvalues),
        jnp.min(eigenvalues),
    )


def speed_variation(metric: Metric, path: Path) -> Scalar:
    """Return the standard deviation of the segments' speeds, relative to their mean.

    Its square is U/L² − 1, with the energy U and the length L. It is 0 for a path
    without length.
    """
    speeds = segment_lengths(metric, path)
    mean = jnp.mean(speeds)
    return jnp.std(speeds) / jnp.where(mean == 0, 1.0, mean)


def lowest_eigenvalues(
    key: PRNGKey, metric: Metric, path: Path, steps: int = STEPS
) -> Float[Array, "steps"]:
    """Return approximate outer eigenvalues of P⁻¹H, ascending, by Lanczos's method.

    H is the Hessian of the energy and P the path Laplacian. Each step costs one product
    of H and a vector. The values are Ritz values: the smallest one is never below the
    smallest eigenvalue, and only one of equal eigenvalues is found. Where λ has kinks,
    H is the Hessian of its smooth parts.
    """
    weights = segment_weights(metric, path)
    steps = min(steps, path[1:-1].size)

    def gradient(path: Path) -> Path:
        return expand(metric, path).gradient

    def inner(one: Path, other: Path) -> Scalar:
        return jnp.vdot(apply_laplacian(weights, one), other)

    def clear_ends(change: Path) -> Path:
        return change.at[0].set(0).at[-1].set(0)

    def body(carry, number):
        vectors, vector = carry
        length = jnp.sqrt(inner(vector, vector))
        vector = vector / jnp.where(length > 0, length, 1.0)
        vectors = vectors.at[number].set(vector)
        product = jax.jvp(gradient, (path,), (vector,))[1]
        image = solve_laplacian(weights, product)
        duals = jax.vmap(lambda v: apply_laplacian(weights, v))(vectors)
        overlaps = jnp.tensordot(duals, image, 2)
        rest = image - jnp.tensordot(overlaps, vectors, 1)
        rest = rest - jnp.tensordot(jnp.tensordot(duals, rest, 2), vectors, 1)
        return (vectors, rest), overlaps

    first = solve_laplacian(
        weights, clear_ends(jax.random.normal(key, path.shape, path.dtype))
    )
    vectors = jnp.zeros((steps, *path.shape), path.dtype)
    (_, _), overlaps = jax.lax.scan(body, (vectors, first), jnp.arange(steps))
    # Row j holds ⟨vᵢ, P⁻¹H vⱼ⟩ for i ≤ j: the upper half of a symmetric matrix.
    upper = jnp.tril(overlaps).T
    return jnp.linalg.eigvalsh(upper + jnp.triu(upper, 1).T)


def morse_index(eigenvalues: Float[Array, "steps"]) -> Int[Array, ""]:
    """Return the number of negative eigenvalues: 0 at a minimum, more at a saddle."""
    return jnp.sum(eigenvalues < NEGATIVE)


def richardson(coarse: Energies, fine: Energies) -> tuple[Energies, Energies]:
    """Return extrapolated least energies and their errors, from N and 2N segments.

    Richardson's extrapolation for an error of second order; the error is estimated by
    the change that it makes.
    """
    better = (4 * fine - coarse) / 3
    return better, abs(better - fine)


def observed_order(coarsest: Energies, coarse: Energies, fine: Energies) -> Energies:
    """Return the order of convergence of energies for N, 2N and 4N segments.

    It is 2 in the limit, and not finite where two energies agree to the last bit.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.log2(np.abs((coarsest - coarse) / (coarse - fine)))
