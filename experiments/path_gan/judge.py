"""What a trained generator is worth: its samples, its paths, how well it inverts."""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from experiments.reporting import judging
from jaxgan import evaluation, inversion, paths
from jaxgan.inversion import levenberg_marquardt as lm
from jaxgan.networks import Classified
from jaxgan.paths import draw_bows
from jaxgan.pixels import to_pixels
from jaxgan.types import Examples, Latents, Params, PRNGKey

Apply = Callable[[Params, Latents], Examples]

TOLERANCE, EVALUATIONS = 1e-5, 100
STOPS = 12
"""Steps of equal length in which a path is looked at; a multiple of four."""
BANK, STARTS, STEPS = 2000, 2, 15
"""Of the inversion: samples, the nearest to start from, steps from each."""


class Bench(NamedTuple):
    """What all generators are judged by, fixed before any is trained.

    Attributes:
        key: of samples and bootstraps.
        classify: the judge's network.
        reference: held-out images, as the classifier sees them.
        training: pixels of the training images.
        codes: both ends of the held-out pairs, from the prior.
        digits: held-out images to be inverted, in the networks' units.
        segments: of each path.
    """

    key: PRNGKey
    classify: Callable[[Examples], Classified]
    reference: evaluation.ImageFeatures
    training: evaluation.Pixels
    codes: Float[np.ndarray, "2 pairs latent"]
    digits: Examples
    segments: int


class Walked(NamedTuple):
    """Paths of least energy between the held-out pairs; energies for pixels in [0, 1].

    Attributes:
        least: energy of the minimiser.
        error: its error bar by Richardson.
        line: energy of the straight line.
        slerp: that of spherical interpolation.
        image_distance: D.
        code_distance: ℓ.
        images: along the minimiser at equal steps under the metric, in [-1, 1].
        line_images: along the straight line.
    """

    least: Float[Array, "pairs"]
    error: Float[Array, "pairs"]
    line: Float[Array, "pairs"]
    slerp: Float[Array, "pairs"]
    image_distance: Float[Array, "pairs"]
    code_distance: Float[Array, "pairs"]
    images: Float[Array, "pairs stops 28 28 1"]
    line_images: Float[Array, "pairs stops 28 28 1"]


@partial(jax.jit, static_argnums=(0, 1))
def walk(
    apply: Apply, segments: int, params: Params, codes: Float[Array, "2 pairs latent"]
) -> Walked:
    """Find the paths, from the straight line; one program serves all weights."""

    def generate(latents: Latents) -> Examples:
        return (apply(params, latents) + 1) / 2

    first, last = codes
    items = generate(first), generate(last)
    metrics = paths.between_images(generate)
    arrivals, _ = paths.multilevel_descent(
        metrics,
        paths.DEFAULT_METHOD,
        paths.levels(segments),
        EVALUATIONS,
        jnp.asarray(TOLERANCE, codes.dtype),
        first,
        last,
        items,
        draw_bows(None, first, 1, 0),
    )

    def look(given):
        start, end, found, item = given
        metric = metrics.at(item)
        line = paths.line(start, end, segments)
        slerp = paths.slerp(start, end, segments)
        seen = [
            2 * generate(paths.at_equal_speed(metric, path, STOPS)) - 1
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
        look, (first, last, found, items)
    )
    error = jnp.abs(least - before) / 3
    return Walked(least, error, line, slerp, image_distance, code_distance, *seen)


@partial(jax.jit, static_argnums=(0, 1))
def inversion_errors(
    apply: Apply, latent_dim: int, params: Params, key: PRNGKey, digits: Examples
) -> Float[Array, "digits"]:
    """Mean squared error per pixel at the best code found, pixels in [0, 1].

    A short search, the same for all: Levenberg-Marquardt from the nearest samples.
    """
    generate = partial(apply, params)
    bank = inversion.sample_bank(generate, key, BANK, latent_dim)
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
    bench: Bench, apply: Apply, params: Params
) -> tuple[dict[str, float], Walked]:
    """Name every number of a generator."""
    sample_key, verdict_key, bank_key = jax.random.split(bench.key, 3)
    latent_dim = bench.codes.shape[2]
    count = len(bench.reference.features)
    images = judging.draw(sample_key, apply, params, latent_dim, count)
    samples = evaluation.features_of(bench.classify, images)
    verdict = evaluation.verdict(
        verdict_key, samples, bench.reference, samples, bench.training
    )
    errors = inversion_errors(apply, latent_dim, params, bank_key, bench.digits)
    walked = walk(apply, bench.segments, params, jnp.asarray(bench.codes))
    return {
        **{name: estimate.value for name, estimate in verdict.items()},
        "inversion_error": float(np.median(errors)),
        **path_numbers(bench, walked),
    }, walked


def path_numbers(bench: Bench, walked: Walked) -> dict[str, float]:
    """Give medians over pairs, and realism at ¼, ½ and ¾ of the paths' length."""
    least, line, slerp = (
        np.asarray(e) for e in (walked.least, walked.line, walked.slerp)
    )
    bound = np.asarray(0.5 * walked.image_distance**2 * walked.code_distance**2)
    medians: dict[str, Any] = {
        "rho": least / bound,
        "log_rho": np.log(least / bound),
        "rho_line": line / bound,
        "image_distance": walked.image_distance,
        "code_distance": walked.code_distance,
        "energy": least,
        "energy_line": line,
        "energy_slerp": slerp,
        "line_over_energy": line / least,
        "energy_relative_error": np.asarray(walked.error) / least,
    }
    return {
        **{name: float(np.median(values)) for name, values in medians.items()},
        **_realism(bench, walked.images, ""),
        **_realism(bench, walked.line_images, "_line"),
    }


def _realism(
    bench: Bench, images: Float[Array, "pairs stops 28 28 1"], suffix: str
) -> dict[str, float]:
    quarters = np.asarray(images)[:, [STOPS // 4, STOPS // 2, 3 * STOPS // 4]]
    flat = quarters.reshape(-1, *images.shape[2:])
    seen = evaluation.features_of(bench.classify, to_pixels(flat))
    nearest, _ = evaluation.nearest(seen.pixels, bench.training)
    confidence = seen.confidence.reshape(-1, 3)
    distance = np.asarray(nearest).reshape(-1, 3)
    return {
        f"{name}{suffix}_{place}": float(value)
        for name, values in (("confidence", confidence), ("nearest", distance))
        for place, value in zip(
            ("quarter", "half", "three_quarters"), np.median(values, 0), strict=True
        )
    }
