"""What can be wrong with Echo's recursion and its rate."""

from collections.abc import Callable, Iterator

import jax
import jax.numpy as jnp
from jax import Array


def check(
    echo_code: Callable[[Array, Array], Array], rate: Callable[[Array], Array]
) -> Iterator[str]:
    """Yield what is wrong with the recursion and with the rate."""
    yield from _recursion(echo_code)
    yield from _rate(rate)


def _recursion(echo_code: Callable[[Array, Array], Array]) -> Iterator[str]:
    locations = jnp.array([[1.0], [10.0], [100.0]])
    scales = jnp.array([[0.5], [0.2], [0.1]])
    got = echo_code(locations, scales)
    if jnp.shape(got) != (1,):
        yield f"The code must have the shape [d], here [1], not {list(jnp.shape(got))}."
        return
    value, expected = float(got[0]), 1 + 0.5 * (10 + 0.2 * 100)
    if abs(value - expected) < 1e-3:
        yield from _limit(echo_code)
    elif abs(value - (100 + 0.1 * (10 + 0.2 * 1))) < 1e-3:
        yield "The images are composed in reverse: the image itself comes first."
    elif abs(value - (0.5 + 0.5 * 0.2 * 10 + 0.5 * 0.2 * 0.1 * 100)) < 1e-3:
        yield (
            "Each location is multiplied by its own scale too. z = m + s z₁: the scale "
            "belongs to the noise, not to the location."
        )
    elif abs(value - (1 + 0.5 * 10 + 0.2 * 100)) < 1e-3:
        yield (
            "The scales are not multiplied up: m₂ comes through s₀ and s₁, so its "
            "factor is s₀ s₁."
        )
    elif abs(value - (1 + 0.2 * (10 + 0.1 * 100))) < 1e-3:
        yield "The scales are one image late: m₁ is scaled by s of the image itself."
    else:
        yield (
            "Of m = 1, 10, 100 and s = 0.5, 0.2, 0.1 the code is 1 + 0.5 (10 + 0.2 · "
            f"100) = {expected:g}; yours is {value:g}."
        )


def _limit(echo_code: Callable[[Array, Array], Array]) -> Iterator[str]:
    """Codes of many images: with variance 1 − s² of m the code has variance 1."""
    scale, images, codes = 0.5, 30, 4000
    locations = jax.random.normal(jax.random.key(0), (codes, images, 2))
    locations = (1 - scale**2) ** 0.5 * locations
    scales = jnp.full((images, 2), scale)
    made = jax.vmap(lambda m: echo_code(m, scales))(locations)
    if not jnp.allclose(made.var(0), 1.0, atol=0.1):
        yield (
            "For locations of variance 1 − s² the codes must have variance 1; yours "
            f"have {float(made.var()):.2f}."
        )


def _rate(rate: Callable[[Array], Array]) -> Iterator[str]:
    scales = jnp.array([0.5, 0.25])
    value, expected = float(rate(scales)), 3 * float(jnp.log(2.0))
    if abs(value - expected) < 1e-4:
        return
    if abs(value + expected) < 1e-4:
        yield (
            "The rate has the wrong sign. The less of the noise comes through, the "
            "more the code says of its image: −Σ log s, which is never negative."
        )
    elif abs(value - expected / 2) < 1e-4:
        yield "The rate is the sum over the dimensions, not their mean."
    elif abs(value - 3.0) < 1e-4:
        yield "The rate is in bits. Asked for are nats: the natural logarithm."
    else:
        yield (
            "Scales of 1/2 and 1/4 have a rate of log 2 + log 4 = 2.079 nats; yours is "
            f"{value:.3f}."
        )
