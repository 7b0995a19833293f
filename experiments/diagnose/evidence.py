"""What is measured: searches of three kinds, what there is to compare them with.

All errors are mean squared errors per pixel, for pixels in [0, 1].
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from experiments.diagnose import measures
from experiments.diagnose.judged import Judged
from experiments.running.progress import Piece
from jaxgan import inversion
from jaxgan.networks import FinishedGenerator
from jaxgan.types import PRNGKey

STARTS, SURVIVORS = 16, 4
"""Starts of the thorough search for each image, and those followed to the end."""
BANK = 10_000
"""Samples of the prior that targets are compared with, as for the search's starts."""
WEIGHTS = (0.0, 0.01, 0.1, 1.0, 10.0, 100.0)
"""Values of κ, from where it hardly matters to where no digit is left."""
SHARES = {"judged": 10, "own": 43, "targets": 47}
"""Parts of the time in percent, with the default flags; for the progress bar only."""
FOLLOWED, SWEEP_STEPS = 2, 5
"""Codes of each image that are followed from one κ to the next, and steps for each."""


class Codes(NamedTuple):
    """A code for each image, and the error of its image."""

    latents: Float[np.ndarray, "n latent"]
    errors: Float[np.ndarray, "n"]


class Evidence(NamedTuple):
    """What was measured, on the n targets and on images of the generator's own.

    Attributes:
        judged: what the judged search found for the targets.
        polished: errors after the library's steps from there, with the same objective.
        same_weight: errors of the thorough search with the judged search's κ.
        thorough: codes of the thorough search, with κ = 0; the judged search's where
            these are better.
        weights: values of κ, ascending, of the next one.
        swept_errors: errors of the thorough search at each of them.
        swept_norms: ‖z‖ of its codes.
        nearest: the nearest of `BANK` samples.
        trivial: errors of the better of two images that know nothing of the target's
            shape: the mean sample, and an even gray.
        own_judged: errors of the judged search on own images; None if not known.
        own: errors of the thorough search on own images.
        own_trivial: as `trivial`, for own images.
        spread: mean squared distance of samples from their mean, per pixel.
        prior_norms: ‖z‖ of samples of the prior.
        fits: how the targets look beside samples.
        singular_values: of the Jacobian at the thorough codes, for pixels in [0, 1].
        saturated: share of saturated pixels at the thorough codes.
        own_saturated: the same at codes of the prior.
    """

    judged: Codes
    polished: Float[np.ndarray, "n"]
    same_weight: Float[np.ndarray, "n"]
    thorough: Codes
    weights: Float[np.ndarray, "weights"]
    swept_errors: Float[np.ndarray, "weights n"]
    swept_norms: Float[np.ndarray, "weights n"]
    nearest: Codes
    trivial: Float[np.ndarray, "n"]
    own_judged: Float[np.ndarray, "own"] | None
    own: Float[np.ndarray, "own"]
    own_trivial: Float[np.ndarray, "own"]
    spread: float
    prior_norms: Float[np.ndarray, "samples"]
    fits: measures.Fits
    singular_values: Float[np.ndarray, "n values"]
    saturated: Float[np.ndarray, "n"]
    own_saturated: Float[np.ndarray, "own"]


def condition_number(found: Evidence) -> float:
    """Return that of the Jacobian at a thorough code, the median over targets."""
    values = found.singular_values
    return float(np.median(values[:, 0] / np.maximum(values[:, -1], 1e-300)))


def visible_directions(found: Evidence) -> float:
    """Return in how many of the Jacobian's directions a step of 1 can be seen.

    It can where it changes the image by `GRAY_LEVEL`, at the slope that is at a
    thorough code; the median over targets.
    """
    squares = found.singular_values**2 / measures.PIXELS
    return float(np.median(np.sum(squares >= measures.GRAY_LEVEL, 1)))


def gather(
    key: PRNGKey,
    generator: FinishedGenerator,
    targets: Float[np.ndarray, "n 28 28 1"],
    judged: Judged,
    num_own: int,
    piece: Piece,
) -> Evidence:
    """Run all searches, and return what was measured.

    Args:
        key: of samples and starts.
        generator: with pixels in [-1, 1].
        targets: pixels in [-1, 1].
        judged: the search that is judged.
        num_own: number of the generator's own images.
        piece: of the progress bar, in percent.
    """
    bank_key, own_key, judged_key, search_key = jax.random.split(key, 4)
    bank = inversion.sample_bank(bank_key, generator, BANK)
    samples = measures.in_unit_range(bank[1])
    mean = samples.mean(0)
    flat = jnp.asarray(targets.reshape(len(targets), -1))
    nearest = np.asarray(inversion.nearest_starts(bank, flat, 1)[:, 0])
    own_codes = generator.network.draw(own_key, (num_own, generator.latent_dim))
    own_images = np.asarray(measures.generate(generator, own_codes))

    key_of_targets, key_of_own = jax.random.split(judged_key)
    own_judged = None
    with piece("the search that is judged", SHARES["judged"]):
        codes = judged.on_targets(key_of_targets, targets)
        if judged.on_own is not None:
            found = judged.on_own(key_of_own, own_images)
            own_judged = measures.errors_of(generator, found, own_images)
    with piece("a thorough search on own images", SHARES["own"]):
        own = _thorough(search_key, generator, own_images).errors.min(1)

    weights = np.array(sorted({*WEIGHTS, judged.prior_weight}))
    with piece("a thorough search on the targets", SHARES["targets"]):
        sweep = _sweep(search_key, generator, targets, weights)
    judged_codes = Codes(codes, measures.errors_of(generator, codes, targets))
    sweep[0] = _better(sweep[0], judged_codes)
    return Evidence(
        judged=judged_codes,
        polished=_polished(generator, codes, targets, judged.prior_weight),
        same_weight=sweep[int(np.searchsorted(weights, judged.prior_weight))].errors,
        thorough=sweep[0],
        weights=weights,
        swept_errors=np.stack([each.errors for each in sweep]),
        swept_norms=np.linalg.norm([each.latents for each in sweep], axis=2),
        nearest=Codes(nearest, measures.errors_of(generator, nearest, targets)),
        trivial=measures.trivial_errors(mean, targets),
        own_judged=own_judged,
        own=own,
        own_trivial=measures.trivial_errors(mean, own_images),
        spread=float(np.mean(np.square(samples - mean))),
        prior_norms=np.linalg.norm(np.asarray(bank[0]), axis=1),
        fits=measures.fit_all(samples, measures.in_unit_range(targets)),
        singular_values=measures.singular_values(generator, sweep[0].latents),
        saturated=measures.saturated(generator, sweep[0].latents),
        own_saturated=measures.saturated(generator, np.asarray(own_codes)),
    )


def _thorough(
    key: PRNGKey, generator: FinishedGenerator, images: np.ndarray
) -> inversion.Inversion:
    return inversion.invert_many(
        key,
        generator,
        jnp.asarray(images),
        num_starts=STARTS,
        survivors=SURVIVORS,
        double_steps=0,
    )


def _sweep(
    key: PRNGKey, generator: FinishedGenerator, targets: np.ndarray, weights: np.ndarray
) -> list[Codes]:
    """Return what the thorough search finds for κ = 0, and follow it to larger κ."""
    found = _thorough(key, generator, targets)
    swept = [_best(found, targets, 0.0)]
    for weight in weights[1:]:
        order = np.argsort(_objectives(found, targets, weight), 1)[:, :FOLLOWED]
        starts = np.take_along_axis(found.latents, order[..., None], 1)
        found = inversion.invert_from(
            generator,
            starts,
            jnp.asarray(targets),
            prior_weight=float(weight),
            max_steps=SWEEP_STEPS,
            double_steps=0,
        )
        swept.append(_best(found, targets, weight))
    return swept


def _objectives(
    found: inversion.Inversion, targets: np.ndarray, weight: float
) -> np.ndarray:
    """Return ½‖G(z) − x‖² + ½κ‖z‖² of every start, pixels in [-1, 1]."""
    squares = 4 * measures.PIXELS * found.errors
    return (squares + weight * np.sum(np.square(found.latents), 2)) / 2


def _best(found: inversion.Inversion, targets: np.ndarray, weight: float) -> Codes:
    rows = np.arange(len(targets))
    best = _objectives(found, targets, weight).argmin(1)
    return Codes(found.latents[rows, best], found.errors[rows, best])


def _better(one: Codes, other: Codes) -> Codes:
    """Return the codes with the lesser error, of each image."""
    first = one.errors <= other.errors
    latents = np.where(first[:, None], one.latents, other.latents)
    return Codes(latents, np.where(first, one.errors, other.errors))


def _polished(
    generator: FinishedGenerator, codes: np.ndarray, targets: np.ndarray, weight: float
) -> np.ndarray:
    found = inversion.invert_from(
        generator,
        codes[:, None],
        jnp.asarray(targets),
        prior_weight=weight,
        double_steps=0,
    )
    return found.errors[:, 0]
