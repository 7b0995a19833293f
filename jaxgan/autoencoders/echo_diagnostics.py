"""Whether the rate of an Echo code is the information that the theorem promises."""

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from jaxgan.autoencoders.contractions import shrinkage
from jaxgan.autoencoders.echo_codes import Echo
from jaxgan.networks import Heads
from jaxgan.types import Scalar


class Exactness(NamedTuple):
    """Whether a rate is the information, as the theorem has it. Values, no errors.

    Attributes:
        rate: mean of the rates, in nats.
        floor: the least that the bound of the scales allows.
        ceiling: entropy of x, which no information exceeds.
        above_ceiling: the rate is more. Then z has no density, and the formula, which
            needs one, counts what is not there.
        dead: latent dimensions in which all locations agree, to 1e-3 of the largest:
            constant codes without density, whose −log s informs of nothing.
        at_floor: the rate is the floor to 1 %: the bound of the noise, and not the
            loss, keeps it from falling.
        truncation: what stopping at the depth adds to the information, in nats, were
            codes Gaussian and scales constant: Σ ½ log (1 − s²ᵈ⁺²)/(1 − s²ᵈ).
        shrinkage: the largest operator norm that occurs.
    """

    rate: Scalar
    floor: Scalar
    ceiling: Scalar
    above_ceiling: Bool[Array, ""]
    dead: Int[Array, ""]
    at_floor: Bool[Array, ""]
    truncation: Scalar
    shrinkage: Scalar


DEAD = 1e-3


AT_FLOOR = 0.01


def exactness(noise: Echo, heads: Heads, entropy: float) -> Exactness:
    """Look for what makes the exact rate inexact, over a whole population.

    Args:
        noise: that the encoder was trained with.
        heads: of the population.
        entropy: of x, in nats: log N if it is one of N equally likely examples.
    """
    maps, rates = noise.maps(heads)
    dim = heads.location.shape[1]
    rate, floor = jnp.mean(rates), jnp.asarray(dim * noise.floor)
    spread = jnp.ptp(maps.locations, 0)
    dead = spread <= DEAD * jnp.max(jnp.abs(maps.locations))
    if maps.scales.ndim == 2:
        log_scales = jnp.mean(jnp.log(maps.scales), 0)
    else:
        log_scales = jnp.full((dim,), -rate / dim)
    return Exactness(
        rate,
        floor,
        jnp.asarray(entropy, jnp.float32),
        rate > entropy,
        jnp.sum(dead),
        rate <= (1 + AT_FLOOR) * floor,
        jnp.sum(truncation(jnp.exp(log_scales), noise.depth)),
        jnp.max(shrinkage(maps)),
    )


def truncation(scale: Float[Array, "*shape"], depth: int) -> Float[Array, "*shape"]:
    """Give what the information of Gaussian codes exceeds −log s by at a depth.

    With m ~ N(0, 1 − s²) and constant s, the code and its noise have the variances
    1 − s²ᵈ⁺² and 1 − s²ᵈ.
    """
    whole = jnp.log1p(-(scale ** (2 * depth + 2)))
    return 0.5 * (whole - jnp.log1p(-(scale ** (2 * depth))))
