"""Exercise 5, the energy of a path. The task is in path-energy.md.

Check: python -m exercises.path_energy.
"""

from collections.abc import Callable

from jax import Array

from exercises.checks import path_energy as checks
from exercises.report import report


def path_energy(metric: Callable[[Array], Array], path: Array) -> Array:
    """Return N Σ λ(midpoint) ‖segment‖², for a path of N segments.

    Args:
        metric: λ, from one code `[d]` to a number.
        path: the knots `[N + 1, d]`.
    """
    raise NotImplementedError


if __name__ == "__main__":
    report(checks.check, path_energy)
