"""Measures of a trained generator: its samples, its paths, and inversion with it."""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from experiments.path_gan import given
from experiments.reporting import judging
from experiments.running import generators
from jaxgan import evaluation, inversion, paths
from jaxgan.inversion import levenberg_marquardt as lm
from jaxgan.networks import Classified, FinishedGenerator
from jaxgan.paths import draw_bows
from jaxgan.pixels import to_pixels
from jaxgan.types import Examples, PRNGKey

TOLERANCE, EVALUATIONS = 1e-5, 100
"""Of the path minimiser: its tolerance, and its most gradients on each level."""
STOPS = 12
"""Steps of equal length along a path, where its images are judged; a multiple of 4."""
BANK, STARTS, STEPS = 2000, 2, 8
"""Of the inversion: samples, the nearest of them to start from, steps from each."""


class Protocol(NamedTuple):
    """How all generators are judged; fixed before any of them is trained.

    Attributes:
        key: random key of samples and bootstraps.
        classify: the judge, a trained classifier.
        reference: features of held-out images.
        training: pixels of the training images, in [0, 1].
        codes: both ends of the held-out pairs, drawn from the prior.
        digits: held-out images to invert, in [-1, 1]; two that follow one another are
            the ends of a path.
        segments: segments of each path.
    """

    key: PRNGKey
    classify: Callable[[Examples], Classified]
    reference: evaluation.ImageFeatures
    training: evaluation.Pixels
    codes: Float[np.ndarray, "2 pairs latent"]
    digits: Examples
    segments: int


class PathMeasures(NamedTuple):
    """Paths of least energy between the held-out pairs; energies for pixels in [0, 1].

    Attributes:
        least: energy of the path found.
        error: estimate of its discretisation error, by Richardson's extrapolation.
        line: energy of the straight line.
        slerp: energy of spherical interpolation.
        image_distance: D, the distance between the two end images.
        code_distance: ℓ, the distance between the two codes.
        images: along the path found, at equal steps under the metric, in [-1, 1].
        line_images: along the straight line, likewise.
    """

    least: Float[Array, "pairs"]
    error: Float[Array, "pairs"]
    line: Float[Array, "pairs"]
    slerp: Float[Array, "pairs"]
    image_distance: Float[Array, "pairs"]
    code_distance: Float[Array, "pairs"]
    images: Float[Array, "pairs stops 28 28 1"]
    line_images: Float[Array, "pairs stops 28 28 1"]


@partial(jax.jit, static_argnums=1)
def measure_paths(
    generator: FinishedGenerator, segments: int, codes: Float[Array, "2 pairs latent"]
) -> PathMeasures:
    """Minimise the energy of a path between each pair of codes, and measure it.

    One compiled program serves all generators of an architecture.

    Args:
        generator: to walk in, with images in [-1, 1].
        segments: segments of each path, 16, 32, 64, …
        codes: both ends of each pair. The straight line is where the search begins.
    """
    generator = generators.in_pixels(generator)
    first, last = codes
    items = generator.generate(first), generator.generate(last)
    metrics = paths.between_images(generator)
    arrivals, _ = paths.multilevel_descent(
        paths.DEFAULT_METHOD,
        paths.levels(segments),
        EVALUATIONS,
        metrics,
        jnp.asarray(TOLERANCE, codes.dtype),
        first,
        last,
        items,
        draw_bows(None, first, 1, 0),
    )

    def measure(given):
        start, end, found, item = given
        metric = metrics.metric_of(item)
        line = paths.line(start, end, segments)
        slerp = paths.slerp(start, end, segments)
        seen = [
            2 * generator.generate(paths.at_equal_speed(metric, path, STOPS)) - 1
            for path in (found, line)
        ]
        return (
            *(paths.path_energy(metric, path) for path in (found, line, slerp)),
            jnp.sqrt(2 * paths.least_value(*item)),
            jnp.linalg.norm(end - start),
            *seen,
        )

    found, before = arrivals[-1].path, arrivals[-2].energy
    least, line, slerp, image_distance, code_distance, *seen = jax.lax.map(
        measure, (first, last, found, items)
    )
    error = jnp.abs(least - before) / 3
    return PathMeasures(least, error, line, slerp, image_distance, code_distance, *seen)


def middle_of_line(generator: FinishedGenerator, key: PRNGKey) -> Array:
    """Return the code half-way on a straight line between two codes of the prior."""
    return jnp.mean(jax.vmap(generator.draw)(jax.random.split(key)), 0)


@jax.jit
def inversion_errors(
    key: PRNGKey, generator: FinishedGenerator, digits: Examples
) -> Float[Array, "digits"]:
    """Return the error of each digit at the best code found: a mean square per pixel.

    Pixels are in [0, 1]. The search is short, and the same for all generators: a few
    steps of Levenberg and Marquardt from the codes of the nearest samples.
    """
    generate = generator.generate
    bank = inversion.sample_bank(key, generator, BANK)
    begun = inversion.nearest_starts(bank, digits.reshape(len(digits), -1), STARTS)

    def one(given):
        latent, target = given
        state = lm.evaluate(generate, lm.begin(latent), target, 0.0)
        step = partial(lm.step, generate, target=target, prior_weight=0.0)
        state = jax.lax.fori_loop(0, STEPS, lambda _, s: step(state=s), state)
        return state.value / (2 * target.size)

    def best(given):
        several, target = given
        return jnp.min(jax.vmap(lambda latent: one((latent, target)))(several))

    return jax.lax.map(best, (begun, digits))


def numbers(
    protocol: Protocol, generator: FinishedGenerator
) -> tuple[dict[str, float], PathMeasures]:
    """Return all numbers of a generator by name, and its paths.

    `frechet_middles` is the Fréchet distance of as many middles of lines as samples.

    Args:
        protocol: how it is judged.
        generator: to be judged, with images in [-1, 1].
    """
    sample_key, verdict_key, bank_key, line_key = (
        *jax.random.split(protocol.key, 3),
        jax.random.fold_in(protocol.key, 3),
    )
    digits = np.asarray(protocol.digits)
    count = len(protocol.reference.features)
    images = judging.draw(sample_key, generator, count)
    samples = evaluation.features_of(protocol.classify, images)
    verdict = evaluation.verdict(
        verdict_key, samples, protocol.reference, samples, protocol.training
    )
    middles = judging.draw(line_key, generator, count, middle_of_line)
    between = evaluation.features_of(protocol.classify, middles)
    errors = inversion_errors(bank_key, generator, protocol.digits)
    measured = measure_paths(generator, protocol.segments, jnp.asarray(protocol.codes))
    return {
        **{name: estimate.value for name, estimate in verdict.items()},
        "frechet_middles": evaluation.frechet_distance(
            verdict_key, between.features, protocol.reference.features
        ).value,
        "inversion_error": float(np.median(errors)),
        **path_numbers(protocol, measured),
        **given.measure(bank_key, generator, digits, protocol.segments),
    }, measured


def path_numbers(protocol: Protocol, measured: PathMeasures) -> dict[str, float]:
    """Return medians over pairs, by name.

    `confidence_…` is the judge's confidence at ¼, ½ and ¾ of a path's length, and
    `nearest_…` the distance to the nearest training image there. `frechet_half…` is the
    Fréchet distance of all images half-way; it is there if there are more pairs than
    features.
    """
    least, line, slerp = (
        np.asarray(e) for e in (measured.least, measured.line, measured.slerp)
    )
    bound = np.asarray(0.5 * measured.image_distance**2 * measured.code_distance**2)
    medians: dict[str, Any] = {
        "rho": least / bound,
        "log_rho": np.log(least / bound),
        "rho_line": line / bound,
        "image_distance": measured.image_distance,
        "code_distance": measured.code_distance,
        "energy": least,
        "energy_line": line,
        "energy_slerp": slerp,
        "line_over_energy": line / least,
        "energy_relative_error": np.asarray(measured.error) / least,
    }
    return {
        **{name: float(np.median(values)) for name, values in medians.items()},
        **_realism(protocol, measured.images, ""),
        **_realism(protocol, measured.line_images, "_line"),
    }


def _realism(
    protocol: Protocol, images: Float[Array, "pairs stops 28 28 1"], suffix: str
) -> dict[str, float]:
    quarters = np.asarray(images)[:, [STOPS // 4, STOPS // 2, 3 * STOPS // 4]]
    flat = quarters.reshape(-1, *images.shape[2:])
    seen = evaluation.features_of(protocol.classify, to_pixels(flat))
    nearest, _ = evaluation.nearest(seen.pixels, protocol.training)
    confidence = seen.confidence.reshape(-1, 3)
    distance = np.asarray(nearest).reshape(-1, 3)
    halfway = seen.features[1::3]
    as_a_set = {}
    if halfway.shape[0] > halfway.shape[1]:
        found = evaluation.frechet_distance(
            protocol.key, halfway, protocol.reference.features
        )
        as_a_set[f"frechet_half{suffix}"] = found.value
    return as_a_set | {
        f"{name}{suffix}_{place}": float(value)
        for name, values in (("confidence", confidence), ("nearest", distance))
        for place, value in zip(
            ("quarter", "half", "three_quarters"), np.median(values, 0), strict=True
        )
    }
