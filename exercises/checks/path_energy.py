"""What can be wrong with the energy of a path."""

from collections.abc import Callable, Iterator
from typing import TypeAlias

import jax
import jax.numpy as jnp
from jax import Array

Metric: TypeAlias = Callable[[Array], Array]


def line(segments: int) -> Array:
    """A straight line of length 5, from the origin."""
    return jnp.linspace(0.0, 1.0, segments + 1)[:, None] * jnp.array([3.0, 4.0])[None]


def constant(code: Array) -> Array:
    """A metric that costs 2 everywhere."""
    return 2.0 + 0.0 * code[0]


def parabola(code: Array) -> Array:
    """A metric that is 0 at the origin and 1 at the end of the line."""
    return jnp.sum(code**2) / 25


def check(path_energy: Callable[[Metric, Array], Array]) -> Iterator[str]:
    """Yield what is wrong with an energy."""
    energies = {n: float(path_energy(constant, line(n))) for n in (1, 4, 16)}
    if all(abs(energies[n] - 50 / n) < 1e-3 for n in energies):
        yield (
            "The factor N is missing: the energy is an integral of the squared speed, "
            "and a segment's speed is N times its length. Without N it falls to 0 as "
            "the path is cut finer."
        )
    elif all(abs(energies[n] - 10.0) < 1e-3 for n in energies):
        yield "It is the length: the lengths of the segments must be squared."
    elif any(abs(energies[n] - 50.0) > 1e-2 for n in energies):
        yield (
            "A straight line of length 5 under the constant metric 2 has the energy "
            f"2 · 5² = 50, however it is cut; yours is {energies[4]:.2f} with four "
            "segments."
        )
    else:
        yield from _quadrature(path_energy)


def _quadrature(path_energy: Callable[[Metric, Array], Array]) -> Iterator[str]:
    """The metric t² on a line has the energy 25/3, and each rule its own error."""
    errors = {n: float(path_energy(parabola, line(n))) - 25 / 3 for n in (4, 8)}

    def is_always(formula: Callable[[int], float]) -> bool:
        return all(abs(errors[n] - formula(n)) < 1e-3 for n in errors)

    if is_always(lambda n: -25 / (12 * n**2)):
        yield from _gradient(path_energy)
    elif is_always(lambda n: 25 * (-1 / (2 * n) + 1 / (6 * n**2))):
        yield (
            "λ is taken at the left end of each segment. That is of first order only: "
            "twice as many segments halve the error, where the midpoint has a quarter."
        )
    elif is_always(lambda n: 25 * (1 / (2 * n) + 1 / (6 * n**2))):
        yield "λ is taken at the right end of each segment, not at its midpoint."
    elif is_always(lambda n: 25 / (6 * n**2)):
        yield (
            "λ is the mean of its values at both ends: that is the trapezoidal rule. "
            "It is of second order too, and its error is twice that of the midpoint."
        )
    else:
        yield (
            "Where λ changes along the path the energy is wrong: for λ = t² on a line "
            f"of length 5 it is near 25/3 = 8.33, yours is {errors[8] + 25 / 3:.2f}."
        )


def _gradient(path_energy: Callable[[Metric, Array], Array]) -> Iterator[str]:
    bent = line(4).at[2].add(jnp.array([0.4, -0.3]))
    slope = jax.grad(lambda path: path_energy(constant, path))(bent)
    # N λ (2 z − before − after) 2, of the one knot that is off the line
    expected = 4 * 2.0 * 2 * 2 * jnp.array([0.4, -0.3])
    if not jnp.allclose(slope[2], expected, rtol=1e-3):
        yield "Its gradient by the knots is wrong: is a part of it a constant?"
