"""Paths between given images: the energy U = ½D²ℓ²ρ where D comes with the images.

A generator can lower it by ρ, and by ℓ, the distance of the codes found for the two
images. How long codes are is also decided by the weight of their squared norm in the
search, at the price of a larger error. So generators are compared at equal error.
"""

from collections.abc import Mapping

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from experiments.path.pairs import codes_of
from experiments.running import generators
from jaxgan import paths
from jaxgan.networks import FinishedGenerator
from jaxgan.types import PRNGKey

PRIOR_WEIGHTS = (0.003, 0.01, 0.03, 0.1, 0.3)
"""Of the squared norm of a code."""
USUAL = 0.01
"""The weight at which the generator without a penalty sets the error to compare at."""


def measure(
    key: PRNGKey,
    generator: FinishedGenerator,
    digits: Float[np.ndarray, "digits 28 28 1"],
    segments: int,
) -> dict[str, float]:
    """Return medians over pairs, by name and prior weight.

    Args:
        key: of the starts of the searches.
        generator: to be judged, with images in [-1, 1].
        digits: given images, in [-1, 1]. Two that follow one another are a pair; the
            last one is left out if their number is odd.
        segments: segments of each path.

    Returns:
        `error`, the mean square per pixel of what is left of both images, for pixels in
        [0, 1]; `norm` of the codes; `distance` ℓ of the codes; `energy` U and `rho`.
    """
    generate = generators.in_pixels(generator)
    digits = digits[: len(digits) // 2 * 2]
    images = ((digits + 1) / 2).reshape(-1, 2, *digits.shape[1:])
    items = images[:, 0], images[:, 1]
    bound = 0.5 * np.sum((items[0] - items[1]) ** 2, (1, 2, 3))
    found: dict[str, float] = {}
    for weight in PRIOR_WEIGHTS:
        codes = codes_of(key, generator, digits, weight)
        made = np.asarray(generate.generate(jnp.asarray(codes)))
        ends = codes.reshape(-1, 2, codes.shape[1])
        energy = paths.minimise_many(
            paths.between_images(generate),
            jnp.asarray(ends[:, 0]),
            jnp.asarray(ends[:, 1]),
            items,
            levels=paths.levels(segments),
        ).energies[:, -1]
        distance = np.linalg.norm(ends[:, 0] - ends[:, 1], axis=1)
        several = {
            "error": np.mean((made.reshape(images.shape) - images) ** 2, (1, 2, 3, 4)),
            "norm": np.linalg.norm(ends, axis=2),
            "distance": distance,
            "energy": energy,
            "rho": energy / (bound * distance**2),
        }
        for name, values in several.items():
            found[number(name, weight)] = float(np.median(values))
    return found


def number(quantity: str, prior_weight: float) -> str:
    """Return the name of a quantity at a prior weight, as `measure` has it."""
    return f"given_{quantity}_{prior_weight:g}".replace(".", "_")


def at_most_error(numbers: Mapping[str, float], quantity: str, error: float) -> float:
    """Return a quantity where codes are as short as an error allows.

    It is interpolated between prior weights, on a straight line between logarithms. If
    all errors are smaller, it is that of the largest weight; if all are larger, NaN.
    """
    errors, values = (
        np.array([numbers.get(number(name, w), np.nan) for w in PRIOR_WEIGHTS])
        for name in ("error", quantity)
    )
    order = np.argsort(errors)
    found = np.interp(
        np.log(error), np.log(errors[order]), np.log(values[order]), np.nan
    )
    return float(np.exp(found))
