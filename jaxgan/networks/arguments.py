"""What is demanded of the arguments that many functions share, and said in words.

Shapes and types are known also while JAX traces a function. Values are looked at where
they are known only.
"""

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer
from jaxtyping import Array, Float

from jaxgan.networks.finished import FinishedGenerator

SLACK = 1e-3
"""Part of the range of pixels by which a pixel may lie outside of it."""


def floats(
    name: str, array: Any, shape: Sequence[int | str]
) -> Float[Array | np.ndarray, "..."]:
    """Return an array of floating-point numbers, after checking its shape.

    Args:
        name: of the array, for the error.
        array: anything that JAX or NumPy make an array of.
        shape: the length that each axis must have, or a name where any length of at
            least 1 will do.

    Raises:
        ValueError: if the array is not of this shape, or not of floating-point numbers.
    """
    if not isinstance(array, jax.Array | np.ndarray):
        array = as_array(name, array)
    if array.ndim == len(shape) and not array.size:
        raise ValueError(f"{name} are empty: got {array.dtype} {list(array.shape)}")
    fits = array.ndim == len(shape) and all(
        found == wanted if isinstance(wanted, int) else found > 0
        for found, wanted in zip(array.shape, shape, strict=True)
    )
    if not fits or not jnp.issubdtype(array.dtype, jnp.floating):
        wanted = ", ".join(map(str, shape))
        raise ValueError(
            f"expected {name} [{wanted}] of floating-point numbers, got {array.dtype} "
            f"{list(array.shape)}"
        )
    return array


def is_traced(value: Any) -> bool:
    """Return whether a value is an argument of a function that JAX is tracing.

    It is not known then, and cannot be checked.
    """
    return isinstance(value, Tracer)


def as_array(name: str, array: Any) -> Array:
    """Return what JAX makes an array of.

    Raises:
        ValueError: if it makes none of it.
    """
    try:
        return jnp.asarray(array)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"expected {name} to be an array, got {type(array).__name__}"
        ) from error


def require_weight(name: str, weight: Any) -> None:
    """Raise a `ValueError` if a weight is known, and negative or not finite."""
    if not is_traced(weight) and not 0 <= weight < np.inf:
        raise ValueError(f"{name} must be ≥ 0, got {weight}")


def require_generator(generator: Any) -> None:
    """Raise a `ValueError` if this is no finished generator."""
    if not isinstance(generator, FinishedGenerator):
        raise ValueError(
            f"expected a networks.FinishedGenerator, got {type(generator).__name__}: "
            "gan.finish and a generator's fold make one of weights, and "
            "networks.FinishedGenerator(network, weights) joins the two"
        )


def images(
    name: str, array: Any, generator: FinishedGenerator, *batch: str
) -> Float[Array | np.ndarray, "..."]:
    """Return images that a generator's are compared with, after checking them.

    Args:
        name: of the array, for the error.
        array: images in the generator's units.
        generator: that could have made them.
        batch: names of the axes before those of an image.

    Raises:
        ValueError: if they are not floating-point numbers of the shape of the
            generator's images, or are known and outside of the generator's range.
    """
    if getattr(array, "dtype", None) == np.uint8:
        raise ValueError(
            f"expected {name} in the generator's units, got pixels from 0 to 255 "
            "(uint8): pixels.as_inputs scales them to [-1, 1]"
        )
    require_generator(generator)
    checked = floats(name, array, (*batch, *generator.image_shape))
    if not is_traced(checked):
        _require_range(name, np.asarray(checked), generator)
    return checked


def _require_range(name: str, array: np.ndarray, generator: FinishedGenerator) -> None:
    low, high = generator.network.output.low, generator.network.output.high
    least, most = array.min(), array.max()
    slack = SLACK * (high - low)
    if not (low - slack <= least and most <= high + slack):  # NaN is outside too
        raise ValueError(
            f"expected {name} with pixels from {low:g} to {high:g}, as the generator's "
            f"are, got {least:.4g} to {most:.4g}"
        )
    # Black in [0, 1] is exactly 0, which no uint8 pixel is when scaled to [-1, 1].
    if low == -high and least == 0 and most > high / 2:
        raise ValueError(
            f"expected {name} with pixels from {low:g} to {high:g}, as the generator's "
            f"are, got 0 to {most:.4g}: 2x − 1 brings pixels in [0, 1] to [-1, 1]"
        )


def codes(
    name: str, array: Any, generator: FinishedGenerator, *batch: str
) -> Float[Array | np.ndarray, "..."]:
    """Return codes of a generator, after checking them.

    Args:
        name: of the array, for the error.
        array: one code, or many along leading axes.
        generator: whose codes they are.
        batch: names of the leading axes.

    Raises:
        ValueError: if they are not floating-point numbers of the generator's dimension.
    """
    require_generator(generator)
    return floats(name, array, (*batch, generator.latent_dim))
