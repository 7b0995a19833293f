"""Exercise 2, the gradient penalty. The task is in gradient-penalty.md.

Check: python -m exercises.gradient_penalty.
"""

from collections.abc import Callable

from jax import Array

from exercises.checks import gradient_penalty as checks
from exercises.report import report


def gradient_penalty(
    score: Callable[[Array], Array], key: Array, real: Array, fake: Array
) -> Array:
    """Return the mean of (‖∇D(x̂)‖ − 1)² at random points x̂ between the images.

    Args:
        score: D, from one image to its score.
        key: of the random points.
        real: images `[n, ...]`.
        fake: as many generated images.
    """
    raise NotImplementedError


if __name__ == "__main__":
    report(checks.check, gradient_penalty)
