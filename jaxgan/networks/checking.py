"""What is wrong with a generator, in words, before any time is spent on it."""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from jaxgan.errors import first_line
from jaxgan.networks.finished import FinishedGenerator
from jaxgan.networks.piecewise import (
    evaluate,
    is_smooth,
    logits_at,
    region,
    slopes,
    units_at,
)
from jaxgan.types import Latent, PRNGKey

ROWS = 8
"""Latents that a generator is tried on."""
CLOSE = 1e-4
"""Relative difference up to which two results in single precision are the same."""
CUTS, PARTS = 4, 128
"""How often a line is cut, and into how many parts, to find a jump of a slope."""
SATURATED = 1e-4
"""Part of the range within which a pixel counts as black or white."""


def check(key: PRNGKey, generator: FinishedGenerator) -> tuple[str, ...]:
    """Return a sentence for each thing that is wrong; nothing if all is well.

    The generator is evaluated at a few latents from its prior.

    Args:
        key: of the latents.
        generator: to be checked.
    """
    # Accelerators would round factors differently for one latent and for several.
    with jax.default_matmul_precision("highest"):
        try:
            latents = generator.network.draw(key, (ROWS, generator.latent_dim))
            images = np.asarray(generator.generate(latents))
            again = np.asarray(generator.generate(latents))
        except Exception as error:  # the functions are the user's own
            return (f"it cannot be evaluated: {_in_words(error)}",)
        if images.ndim < 2 or len(images) != ROWS:
            return (
                f"{ROWS} latents must make {ROWS} images, got an array of the shape "
                f"{images.shape}",
            )
        if not np.isfinite(images).all():
            return ("its images are not finite",)
        if not np.array_equal(images, again):
            return (
                "the same latents make other images when they are given again: it "
                "draws noise",
            )
        found = [
            _rows_are_independent(generator, latents),
            _in_range(generator, images),
            _not_saturated(generator, images),
            _keeps_double_precision(generator, latents),
            _kinks_are_declared(generator, latents),
        ]
    return tuple(sentence for sentence in found if sentence)


def _in_words(error: Exception) -> str:
    return f"{type(error).__name__}: {first_line(error)}"


def _differ(one: np.ndarray, other: np.ndarray) -> float:
    scale = np.abs(one).max() or 1.0
    return float(np.abs(one - other).max() / scale)


def _rows_are_independent(generator: FinishedGenerator, latents: Array) -> str:
    try:
        # A steep generator magnifies the rounding of single precision.
        with jax.enable_x64(True):
            gap = _gap_of_rows(generator, jnp.asarray(np.asarray(latents, np.float64)))
    except Exception:  # it may know single precision only
        try:
            gap = _gap_of_rows(generator, latents)
        except Exception as error:  # the function is the user's own
            return f"it cannot be evaluated at one latent alone: {_in_words(error)}"
    if gap < CLOSE:
        return ""
    return (
        f"an image depends on the other latents of its batch (by {gap:.1e} of the "
        "largest pixel): statistics of the batch are left on"
    )


def _gap_of_rows(generator: FinishedGenerator, latents: Array) -> float:
    """Return how far the first two images are from those made one by one."""
    rows = [np.asarray(generator.generate(latent[None])) for latent in latents[:2]]
    return _differ(np.asarray(generator.generate(latents))[:2], np.concatenate(rows))


def _in_range(generator: FinishedGenerator, images: np.ndarray) -> str:
    output = generator.network.output
    slack = CLOSE * (output.high - output.low)
    if images.min() >= output.low - slack and images.max() <= output.high + slack:
        return ""
    return (
        f"its pixels are from {images.min():.3g} to {images.max():.3g}, and declared "
        f"to be from {output.low:g} to {output.high:g}"
    )


def _not_saturated(generator: FinishedGenerator, images: np.ndarray) -> str:
    output = generator.network.output
    near = SATURATED * (output.high - output.low)
    gray = (images > output.low + near) & (images < output.high - near)
    if gray.any(tuple(range(1, images.ndim))).all():
        return ""
    return "an image has only black and white pixels: it is saturated, with no gradient"


def _keeps_double_precision(generator: FinishedGenerator, latents: Array) -> str:
    with jax.enable_x64(True):
        exact = np.asarray(latents, np.float64)
        try:
            images = np.asarray(generator.generate(jnp.asarray(exact)))
            # A step of 1e-9 changes no number of single precision.
            moved = np.asarray(generator.generate(jnp.asarray(exact + 1e-9)))
        except Exception as error:  # the function is the user's own
            return f"it cannot compute in double precision: {_in_words(error)}"
    if images.dtype == np.float64 and not np.array_equal(images, moved):
        return ""
    return "it computes in single precision for latents in double precision"


def _kinks_are_declared(generator: FinishedGenerator, latents: Array) -> str:
    if generator.network.slope is None:
        return ""
    if is_smooth(generator):
        return _is_smooth_as_declared(generator, latents)
    try:
        gap = _curvature(generator, latents)
    except jax.errors.UnexpectedTracerError:
        return (
            "it calls the function that it is given for its kinks inside of jax.vmap "
            "or another transformation: that function takes the whole batch"
        )
    except Exception as error:  # the function is the user's own
        return f"its kinks cannot be found: {_in_words(error)}"
    if gap is None:
        return "it declares kinks, and never calls the function that it is given"
    if gap < CLOSE:
        return ""
    return (
        "with every unit kept on its side it is not affine: it has kinks, or another "
        "curvature, that do not go through the function that it is given"
    )


def _is_smooth_as_declared(generator: FinishedGenerator, latents: Array) -> str:
    try:
        with jax.enable_x64(True):
            exact = generator.as_type(np.float64)
            here, there = jnp.asarray(np.asarray(latents[:2], np.float64))
            if len(units_at(exact, here)):
                return "it is declared smooth, and calls the function for kinks"
            jump = _jump_of_slopes(exact, here, there)
    except Exception as error:  # the function is the user's own
        return f"its derivatives cannot be computed: {_in_words(error)}"
    if jump < CLOSE:
        return ""
    return "it is declared smooth, and its slope jumps: it has kinks"


def _jump_of_slopes(generator: FinishedGenerator, start: Latent, end: Latent) -> float:
    """Return the largest jump of the slopes along a line, in units of the largest.

    An interval is cut into parts again and again, and the part with the largest change
    is kept. The change goes to zero with its length, unless there is a jump in it.
    """

    @jax.jit
    def slopes_at(times: Array) -> Array:
        def one(time: Array) -> Array:
            def along(time: Array) -> Array:
                return logits_at(generator, start + time * (end - start))

            return jax.jvp(along, (time,), (jnp.ones_like(time),))[1]

        return jax.vmap(one)(times)

    low, high, scale, change = 0.0, 1.0, 0.0, 0.0
    for _ in range(CUTS):
        times = np.linspace(low, high, PARTS + 1)
        found = np.asarray(slopes_at(jnp.asarray(times)))
        scale = max(scale, np.abs(found).max())
        changes = np.abs(np.diff(found, axis=0)).max(1)
        largest = changes.argmax()
        low, high, change = times[largest], times[largest + 1], changes[largest]
    return float(change / (scale or 1.0))


def _curvature(generator: FinishedGenerator, latents: Array) -> float | None:
    """Return how far a region's map is from affine; None if there are no units."""
    with jax.enable_x64(True):
        exact = generator.as_type(np.float64)
        here, there = jnp.asarray(np.asarray(latents[:2], np.float64))
        positive = units_at(exact, here) > 0
        if not len(positive):
            return None
        affine = region(exact, here, positive)
        slope = slopes(exact, positive, here.dtype)
        units, logits = evaluate(exact, there, lambda units, some: slope[some] * units)
        step = there - here
        predicted = (
            affine.units + affine.normals @ step,
            affine.logits + affine.jacobian @ step,
        )
        pairs = zip((units, logits), predicted, strict=True)
        return max(_differ(np.asarray(a), np.asarray(b)) for a, b in pairs)
