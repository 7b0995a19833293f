"""Paths of least energy between pairs of codes, and a comparison of methods."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from experiments.path.pairs import Pairs
from experiments.running import generators
from jaxgan import networks, paths
from jaxgan.networks import FinishedGenerator
from jaxgan.paths import Method, Minimised, Record, lbfgs
from jaxgan.types import PRNGKey

GAP = 1e-4
"""Relative gap to the least energy within which a method has converged."""
ADAM_RATE = 3e-4
COMPARED_SEGMENTS = 64
"""Segments of the paths on which methods are compared."""
METHODS: dict[str, tuple[Method, int]] = {
    "L-BFGS, Laplacian": (
        lbfgs(paths.laplacian_preconditioner, uses_curvature=False),
        300,
    ),
    "L-BFGS": (paths.plain_lbfgs(), 400),
    "GEORCE": (paths.georce(), 400),
    "Adam": (paths.adam(ADAM_RATE), 1000),
}
"""Methods and their most evaluations, on the finest level from the straight line."""
OURS = "coarse to fine"


class FoundPaths(NamedTuple):
    """The path found for each pair; energies for pixels in [0, 1].

    Attributes:
        metrics: the metric λ of each pair.
        minimised: the paths.
        record: measurements of each path, in double precision.
        least: ½D², for the distance D between the two images; λ is nowhere less.
        distance: ℓ, the distance between the two codes.
        bound: a lower bound of the least energy.
        extrapolated: energy of infinitely many segments, by Richardson's extrapolation.
        error: its error bar.
    """

    metrics: paths.MetricFamily
    minimised: Minimised
    record: Record
    least: Float[np.ndarray, "pairs"]
    distance: Float[np.ndarray, "pairs"]
    bound: Float[np.ndarray, "pairs"]
    extrapolated: Float[Array | np.ndarray, "pairs"]
    error: Float[Array | np.ndarray, "pairs"]

    def rho(self, energy: Float[Array | np.ndarray, "pairs"]) -> np.ndarray:
        """Return energies divided by ½D²ℓ², a lower bound of all of them: ρ ≥ 1."""
        return np.asarray(energy) / (self.least * self.distance**2)


def find(
    key: PRNGKey,
    generator: FinishedGenerator,
    pairs: Pairs,
    segments: int,
    starts: int,
) -> FoundPaths:
    """Find the path of least energy of each pair, and measure it.

    Args:
        key: of the random starts and of the measurements.
        generator: to walk in.
        pairs: codes and images of the ends.
        segments: segments of each path, 32, 64, 128, …
        starts: starts for each pair: the straight line, then lines with random bows.
    """
    metrics = paths.between_images(generators.in_pixels(generator))
    bow_key, record_key = jax.random.split(key)
    items = pairs.images_a, pairs.images_b
    minimised = paths.minimise_many(
        metrics,
        jnp.asarray(pairs.codes_a),
        jnp.asarray(pairs.codes_b),
        items,
        levels=paths.levels(segments),
        num_starts=starts,
        key=bow_key if starts > 1 else None,
    )
    record = paths.record_paths(record_key, metrics, minimised.paths, items)
    extrapolated, error = paths.richardson(record.energy_half, record.energy)
    distance = np.linalg.norm(pairs.codes_a - pairs.codes_b, axis=1)
    least, bound = _bounds(metrics, generator, pairs, distance)
    return FoundPaths(
        metrics, minimised, record, least, distance, bound, extrapolated, error
    )


def _bounds(
    metrics: paths.MetricFamily,
    generator: FinishedGenerator,
    pairs: Pairs,
    distance: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    lipschitz = _lipschitz_constant(generator)
    slope = jnp.sqrt(2.0) * lipschitz / 2  # Of √λ, with pixels in [0, 1].

    def one(codes, image_a, image_b, distance):
        values = metrics.metric_of((image_a, image_b))(codes)
        least = paths.least_value(image_a, image_b)
        bound = paths.energy_bound(values[0], values[1], least, distance, slope)
        return least, bound

    codes = np.stack([pairs.codes_a, pairs.codes_b], 1)
    least, bound = jax.jit(jax.vmap(one))(
        codes, pairs.images_a, pairs.images_b, distance
    )
    return np.asarray(least, np.float64), np.asarray(bound, np.float64)


def _lipschitz_constant(generator: FinishedGenerator) -> Array:
    """Return a Lipschitz constant of the generator; infinite if none is known."""
    if generator.network.output is not networks.TANH:
        return jnp.asarray(jnp.inf)
    try:
        layers = networks.layers_of(generator)
    except ValueError:
        return jnp.asarray(jnp.inf)
    return networks.lipschitz_constant(layers)


class Convergence(NamedTuple):
    """How the energies of some pairs fell with one method.

    An evaluation is one of the gradient on the finest level.

    Attributes:
        cost: evaluations spent on coarser levels, for each pair.
        history: least energy so far, after each evaluation on the finest level.
    """

    cost: Float[np.ndarray, "pairs"]
    history: Float[np.ndarray, "pairs evaluations"]

    def to_gap(
        self, least: Float[np.ndarray, "pairs"], gap: float = GAP
    ) -> Float[np.ndarray, "pairs"]:
        """Return the evaluations until within a gap of the least energy.

        Args:
            least: least energies that are known.
            gap: relative to these.

        Returns:
            One number for each pair; infinite if it never came so near.
        """
        near = self.history <= (1 + gap) * least[:, None]
        count = self.cost + near.argmax(1) + 1
        return np.where(near.any(1), count, np.inf)


def compare_methods(
    metrics: paths.MetricFamily, pairs: Pairs, count: int
) -> tuple[dict[str, Convergence], Float[np.ndarray, "pairs"]]:
    """Run every method on the first `count` pairs.

    Returns:
        The convergence of each method, by name; and the least energies that any of them
        found, or a longer run of the coarse-to-fine minimiser with a tighter tolerance.
    """
    starts, ends = (jnp.asarray(c[:count]) for c in (pairs.codes_a, pairs.codes_b))
    items = pairs.images_a[:count], pairs.images_b[:count]

    def run(**options) -> Minimised:
        return paths.minimise_many(metrics, starts, ends, items, **options)

    several = paths.levels(COMPARED_SEGMENTS)
    found = {OURS: run(levels=several)}
    for name, (method, evaluations) in METHODS.items():
        found[name] = run(
            levels=(COMPARED_SEGMENTS,),
            method=method,
            tolerance=0.0,
            max_evaluations=evaluations,
        )
    long = run(levels=several, tolerance=1e-7, max_evaluations=300)
    least = np.min([f.energies[:, -1] for f in (*found.values(), long)], 0)
    convergence = {
        name: Convergence(f.cost - f.evaluations[:, -1], f.history)
        for name, f in found.items()
    }
    return convergence, least
