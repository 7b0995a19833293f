"""Exercise 6, Echo noise. The task is in echo.md; check: python -m exercises.echo."""

from jax import Array

from exercises.checks import echo as checks
from exercises.report import report


def echo_code(locations: Array, scales: Array) -> Array:
    """Return m₀ + s₀ (m₁ + s₁ (m₂ + … + s m)), for one image and the images after it.

    Args:
        locations: m of each image `[images, d]`, the image itself first.
        scales: s, between 0 and 1, of each image `[images, d]`; that of the last one
            would scale what is cut off.
    """
    raise NotImplementedError


def rate(scales: Array) -> Array:
    """Return the rate, in nats, of a code with these scales `[d]`."""
    raise NotImplementedError


if __name__ == "__main__":
    report(checks.check, echo_code, rate)
