"""Echo noise: codes whose noise is a code, and whose information is exact.

z = m(x) + S(x) z', where z' is a code of other examples, drawn like z and independent
of x. Given x the noise is z' scaled, so h(z|x) = h(z) + log |det S(x)|, and
I(x, z) = −E log |det S(x)| (Brekelmans et al. 2019, arXiv:1904.07199, theorem 2).
"""

import math
from collections.abc import Callable
from typing import NamedTuple, TypeAlias

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from jaxgan.autoencoders.autoencoder import Channel, Coded, Marginal
from jaxgan.autoencoders.contractions import (
    Maps,
    apply,
    contraction_of,
    radius,
    shrinkage,
    tail,
)
from jaxgan.autoencoders.echo_noise import bank, ring
from jaxgan.networks import Heads
from jaxgan.types import Latents, PRNGKey

ECHO_TOLERANCE = 2.0**-23
"""Of what truncation leaves out: a unit in the last place of a number near 1."""

SOFTNESS = 16.0
"""Locations are M tanh(h / 16): nearly linear for heads of ordinary size."""

Sampler: TypeAlias = Callable[[PRNGKey, Maps, int], Latents]


class Echo(NamedTuple):
    """One kind of Echo noise: everything that depends on the bound of its scales.

    Attributes:
        maps: from heads to `Maps` and the rate of each example in nats, at least
            `floor` for each latent dimension.
        channel: for training, with noise from the batch.
        given_bank: `given_bank(maps, depth)` is a channel whose noise is drawn from a
            bank of the maps of all training examples (`echo_noise.bank`).
        marginal: `marginal(maps, depth)` draws codes to generate from.
        depth: examples in the noise of a code.
        radius: bound of the operator norm of every scale.
        floor: least rate of a latent dimension, −log radius.
    """

    maps: Callable[[Heads], tuple[Maps, Float[Array, "batch"]]]
    channel: Channel
    given_bank: Callable[[Maps, int | Int[Array, ""]], Channel]
    marginal: Callable[[Maps, int | Int[Array, ""]], Marginal]
    depth: int
    radius: float
    floor: float


def echo(
    depth: int,
    *,
    tolerance: float = ECHO_TOLERANCE,
    bound: float = 1.0,
    sampler: Sampler = ring,
) -> Echo:
    """Make Echo noise of a depth, its scales bounded so that truncation is exact.

    Encoders with one scale for each latent dimension get diagonal S, those with a
    matrix get full ones. Scales are r σ(a) and r K(A), with ‖K‖ < 1 from
    `contraction_of` at A = I + a; the locations' norm is at most `bound`.

    Args:
        depth: examples in the noise of a code; batches must be larger.
        tolerance: of each coordinate of a code.
        bound: of the largest coordinate of a location; of its Euclidean norm if
            scales are matrices.
        sampler: how a batch makes its noise: `echo_noise.ring` or `in_batch`.

    Raises:
        ValueError: if `depth` is below 1, or `tolerance` or `bound` not positive.
    """
    r = radius(depth, tolerance=tolerance, bound=bound)
    log_r = math.log(r)

    def maps(heads: Heads) -> tuple[Maps, Float[Array, "batch"]]:
        location, scale = heads
        dim = location.shape[1]
        if scale.ndim == 2:
            locations = bound * jnp.tanh(location / SOFTNESS)
            log_scales = log_r + jax.nn.log_sigmoid(scale)
            return Maps(locations, jnp.exp(log_scales)), -jnp.sum(log_scales, 1)
        locations = bound / math.sqrt(dim) * jnp.tanh(location / SOFTNESS)
        shrunk, log_volumes = contraction_of(scale + jnp.eye(dim)[None])
        return Maps(locations, r * shrunk), -(dim * log_r + log_volumes)

    def channel(key: PRNGKey, heads: Heads) -> Coded:
        made, rates = maps(heads)
        return Coded(sampler(key, made, depth), rates, tail(made, r, depth))

    def given_bank(stored: Maps, terms: int | Int[Array, ""]) -> Channel:
        # What the noise lacks shrinks once more, with the code's own scale.
        lacking = r * tail(stored, jnp.max(shrinkage(stored)), terms - 1)

        def channel(key: PRNGKey, heads: Heads) -> Coded:
            made, rates = maps(heads)
            items = jnp.arange(len(made.locations))
            latents = apply(made, bank(key, stored, items, terms - 1))
            return Coded(latents, rates, lacking)

        return channel

    def marginal(stored: Maps, terms: int | Int[Array, ""]) -> Marginal:
        return lambda key, count: bank(key, stored, jnp.arange(count), terms)

    return Echo(maps, channel, given_bank, marginal, depth, r, -log_r)
