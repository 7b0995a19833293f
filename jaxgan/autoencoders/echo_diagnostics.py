"""Checks of whether the rate of an Echo code is its mutual information."""

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from jaxgan.autoencoders.contractions import shrinkage
from jaxgan.autoencoders.echo_codes import Echo
from jaxgan.networks import Heads
from jaxgan.types import Scalar

DEAD = 1e-3
AT_FLOOR = 0.01


class Exactness(NamedTuple):
    """Reasons why a rate may not be the information.

    Attributes:
        rate: mean of the rates, in nats.
        floor: least rate that the bound of the scales allows, in nats.
        ceiling: entropy of x in nats, which no information exceeds.
        above_ceiling: whether the rate is above the ceiling. Then z has no density,
            which the formula of the rate assumes.
        dead: number of latent dimensions in which all locations agree, to 1e-3 of the
            largest location. These codes are constant and have no density; the −log s
            that they add to the rate is no information.
        at_floor: whether the rate is within 1 % of the floor. Then the bound of the
            scales, not the loss, keeps it from falling.
        truncation: increase of the information, in nats, by stopping at the depth d, if
            codes were Gaussian and scales s constant: Σ ½ log (1 − s²ᵈ⁺²)/(1 − s²ᵈ).
        shrinkage: largest operator norm of a scale.
    """

    rate: Scalar
    floor: Scalar
    ceiling: Scalar
    above_ceiling: Bool[Array, ""]
    dead: Int[Array, ""]
    at_floor: Bool[Array, ""]
    truncation: Scalar
    shrinkage: Scalar


def exactness(noise: Echo, heads: Heads, entropy: float) -> Exactness:
    """Return what may keep the rate of a population from being its information.

    Args:
        noise: the noise that the encoder was trained with.
        heads: of all examples of the population.
        entropy: of x in nats: log N for N equally likely examples.
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
    """Return by how much the information of Gaussian codes exceeds −log s, in nats.

    With m ~ N(0, 1 − s²), constant s and depth d, the variances of the code and of its
    noise are 1 − s²ᵈ⁺² and 1 − s²ᵈ.
    """
    whole = jnp.log1p(-(scale ** (2 * depth + 2)))
    return 0.5 * (whole - jnp.log1p(-(scale ** (2 * depth))))
