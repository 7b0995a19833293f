"""Paths of least energy between pairs, with their records, and methods compared."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from experiments.path.pairs import Pairs, in_pixels
from jaxgan import networks, paths
from jaxgan.paths import Method, Minimised, Record, lbfgs
from jaxgan.storage import TrainedGenerator
from jaxgan.types import PRNGKey

GAP = 1e-4
ADAM_RATE = 3e-4
COMPARED_SEGMENTS = 64
METHODS: dict[str, tuple[Method, int]] = {
    "L-BFGS, Laplacian": (
        lbfgs(paths.laplacian_preconditioner, uses_curvature=False),
        300,
    ),
    "L-BFGS": (paths.plain_lbfgs(), 400),
    "GEORCE": (paths.georce(), 400),
    "Adam": (paths.adam(ADAM_RATE), 1000),
}
"""On the finest level from the straight line, each with its number of evaluations."""
OURS = "coarse to fine"


class Paths(NamedTuple):
    """What was found for each pair; energies for pixels in [0, 1].

    Attributes:
        metrics: λ of the pairs.
        minimised: the paths.
        record: of each, in double precision.
        least: ½D² of each pair of images.
        distance: ℓ, of the two codes.
        bound: of the least energy from below.
        extrapolated: energy by Richardson.
        error: its error bar.
    """

    metrics: paths.MetricFamily
    minimised: Minimised
    record: Record
    least: Float[np.ndarray, "pairs"]
    distance: Float[np.ndarray, "pairs"]
    bound: Float[np.ndarray, "pairs"]
    extrapolated: Float[np.ndarray, "pairs"]
    error: Float[np.ndarray, "pairs"]

    def rho(self, energy: Float[Array | np.ndarray, "pairs"]) -> np.ndarray:
        """Divide energies by ½D²ℓ², which is below all of them."""
        return np.asarray(energy) / (self.least * self.distance**2)


def find(
    key: PRNGKey,
    generator: TrainedGenerator,
    pairs: Pairs,
    segments: int,
    starts: int,
) -> Paths:
    """Find a path for each pair, and record it."""
    metrics = paths.between_images(in_pixels(generator))
    bow_key, record_key = jax.random.split(key)
    items = pairs.images_a, pairs.images_b
    minimised = paths.minimise(
        metrics,
        jnp.asarray(pairs.codes_a),
        jnp.asarray(pairs.codes_b),
        items,
        levels=paths.levels(segments),
        num_starts=starts,
        key=bow_key if starts > 1 else None,
    )
    record = paths.record_paths(record_key, metrics, minimised.paths, items)
    extrapolated, error = paths.richardson(
        *minimised.energies[:, -2:].astype(np.float64).T
    )
    distance = np.linalg.norm(pairs.codes_a - pairs.codes_b, axis=1)
    least, bound = _bounds(metrics, generator, pairs, distance)
    return Paths(
        metrics, minimised, record, least, distance, bound, extrapolated, error
    )


def _bounds(
    metrics: paths.MetricFamily,
    generator: TrainedGenerator,
    pairs: Pairs,
    distance: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    lipschitz = networks.lipschitz_constant(networks.layers_of(generator.params))
    slope = jnp.sqrt(2.0) * lipschitz / 2  # Of √λ, with pixels in [0, 1].

    def one(codes, image_a, image_b, distance):
        values = metrics.at((image_a, image_b))(codes)
        least = paths.least_value(image_a, image_b)
        bound = paths.energy_bound(values[0], values[1], least, distance, slope)
        return least, bound

    codes = np.stack([pairs.codes_a, pairs.codes_b], 1)
    least, bound = jax.jit(jax.vmap(one))(
        codes, pairs.images_a, pairs.images_b, distance
    )
    return np.asarray(least, np.float64), np.asarray(bound, np.float64)


class Race(NamedTuple):
    """How a method came down on some pairs.

    Attributes:
        cost: evaluations spent before the finest level, for each pair.
        history: best energy after each evaluation on the finest level.
    """

    cost: Float[np.ndarray, "pairs"]
    history: Float[np.ndarray, "pairs evaluations"]

    def to_gap(
        self, least: Float[np.ndarray, "pairs"], gap: float = GAP
    ) -> Float[np.ndarray, "pairs"]:
        """Evaluations until within the gap of the least energy; infinite if never."""
        near = self.history <= (1 + gap) * least[:, None]
        count = self.cost + near.argmax(1) + 1
        return np.where(near.any(1), count, np.inf)


def race(
    metrics: paths.MetricFamily, pairs: Pairs, count: int
) -> tuple[dict[str, Race], Float[np.ndarray, "pairs"]]:
    """Run every method on the first pairs; with the least energies that any found.

    Among these is a long run of the coarse-to-fine minimiser that wants far more
    exactness than the one that is compared.
    """
    starts, ends = (jnp.asarray(c[:count]) for c in (pairs.codes_a, pairs.codes_b))
    items = pairs.images_a[:count], pairs.images_b[:count]

    def run(**options) -> Minimised:
        return paths.minimise(metrics, starts, ends, items, **options)

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
    races = {
        name: Race(f.cost - f.evaluations[:, -1], f.history)
        for name, f in found.items()
    }
    return races, least
