"""The search behind the walks: three paths between the codes of two digits."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, UInt8

from experiments.explore.workbench import Workbench, to_units
from experiments.path.pairs import codes_of
from experiments.running import generators
from jaxgan import evaluation, paths, pixels
from jaxgan.networks import FinishedGenerator

LEVELS = (8, 16, 32, 64)
"""Segments of the path, from level to level."""
STOPS = 16
"""Steps of equal length under the metric from one end of a path to the other."""
TITLES = {"line": "straight line", "slerp": "slerp", "least": "least energy"}


class Way(NamedTuple):
    """One path between two codes, with what is seen along it.

    Attributes:
        path: its knots.
        rho: its energy, in units of ½D² · d², below which no path is.
        factors: height, detour and unevenness, whose product ρ is; see `paths.factors`.
        frames: its images, at steps of equal length under the metric.
        heights: λ there.
        confidence: the judge's largest probability of a class there.
    """

    path: Float[np.ndarray, "knots latent"]
    rho: float
    factors: paths.Factors
    frames: UInt8[np.ndarray, "stops 28 28"]
    heights: Float[np.ndarray, "stops"]
    confidence: Float[np.ndarray, "stops"]


class Walk(NamedTuple):
    """The three ways from the code of one digit to that of another.

    Attributes:
        digits: the two digits.
        codes: their codes.
        ways: the straight line, slerp, and the path of least energy.
        is_minimum: whether no direction was found in which the energy falls.
    """

    digits: UInt8[np.ndarray, "2 28 28"]
    codes: Float[np.ndarray, "2 latent"]
    ways: dict[str, Way]
    is_minimum: bool


def walk(
    bench: Workbench,
    generator: FinishedGenerator,
    digits: UInt8[np.ndarray, "2 28 28"],
) -> Walk:
    """Find the codes of two digits, and three paths from one to the other.

    Args:
        bench: whose judge looks at the images.
        generator: to walk in, with images in [-1, 1].
        digits: white on black.

    Raises:
        ValueError: if both digits have the same code, or no path is finite.
    """
    targets = to_units(digits)
    codes = codes_of(jax.random.key(0), generator, targets)
    if np.linalg.norm(codes[1] - codes[0]) < 1e-3:
        raise ValueError("Both digits have the same code: choose two that differ.")
    metrics = paths.between_images(generators.in_pixels(generator))
    item = tuple((digits[..., None] / 255).astype(np.float32))
    rows = tuple(each[None] for each in item)
    ends = jnp.asarray(codes[:1]), jnp.asarray(codes[1:])
    minimised = paths.minimise_many(metrics, *ends, rows, levels=LEVELS)
    if not np.isfinite(minimised.paths).all():
        raise ValueError("No path was found: the energies are not finite.")
    record = paths.record_paths(jax.random.key(0), metrics, minimised.paths, rows)
    a, b = jnp.asarray(codes)
    drawn = np.stack(
        [
            paths.line(a, b, LEVELS[-1]),
            paths.slerp(a, b, LEVELS[-1]),
            np.asarray(minimised.paths[0], np.float32),
        ]
    )
    energies, factors, images, heights = jax.tree.map(
        np.asarray, _along(metrics, generator, jnp.asarray(drawn), item)
    )
    floor = paths.least_value(*map(jnp.asarray, item)) * np.sum(
        (codes[1] - codes[0]) ** 2
    )
    frames = pixels.to_pixels(images)
    judged = evaluation.features_of(bench.classify, frames.reshape(-1, 28, 28, 1))
    confidence = judged.confidence.reshape(len(TITLES), -1)
    ways = {
        name: Way(
            drawn[n],
            float(energies[n] / floor),
            paths.Factors(*(values[n] for values in factors)),
            frames[n, ..., 0],
            heights[n],
            confidence[n],
        )
        for n, name in enumerate(TITLES)
    }
    return Walk(digits, codes, ways, bool(record.morse_index[0] == 0))


@jax.jit
def _along(
    metrics: paths.MetricFamily,
    generator: FinishedGenerator,
    drawn: Float[jax.Array, "ways knots latent"],
    item: Any,
):
    """Return energy, its factors, and images and λ at equal speed, of each path."""
    metric = metrics.metric_of(item)

    def one(path):
        stops = paths.at_equal_speed(metric, path, STOPS)
        images = generator.generate(stops)
        energy = paths.path_energy(metric, path)
        factors = paths.factors(metric, path, paths.least_value(*item))
        return energy, factors, images, metric(stops)

    return jax.lax.map(one, drawn)
