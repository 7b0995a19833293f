"""Exercise 4, inversion. The task is in inversion.md.

Check: python -m exercises.inversion.
"""

from collections.abc import Callable

from jax import Array

from exercises.checks import inversion as checks
from exercises.report import report


def step(
    generate: Callable[[Array], Array], code: Array, image: Array, damping: float
) -> Array:
    """Return the code after one Levenberg-Marquardt step.

    Args:
        generate: G, from one code `[d]` to one image `[n]`.
        code: z.
        image: x.
        damping: μ.
    """
    raise NotImplementedError


def invert(
    generate: Callable[[Array], Array], starts: Array, image: Array, steps: int
) -> Array:
    """Return the best code that `steps` steps from each of the starts `[k, d]` find."""
    raise NotImplementedError


if __name__ == "__main__":
    report(checks.check, step, invert)
