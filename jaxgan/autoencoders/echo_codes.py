"""Echo noise: the noise of a code is another code, so that its information is exact.

z = m(x) + S(x) z′, where z′ is a code of other examples, distributed like z and
independent of x. Given x, the code is z′ scaled and moved, so its differential entropy
is h(z|x) = h(z) + log |det S(x)|, and the mutual information is
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
    bounds,
    contraction_of,
    radius,
    tail,
)
from jaxgan.autoencoders.echo_noise import draw_from_bank, ring
from jaxgan.networks import Heads
from jaxgan.types import Latents, PRNGKey

ECHO_TOLERANCE = 2.0**-23
"""Greatest truncation error: a unit in the last place of a float32 near 1."""

SOFTNESS = 16.0
"""Locations are bounded by M tanh(h / 16), which is nearly linear for usual heads h."""

Sampler: TypeAlias = Callable[[PRNGKey, Maps, int], Latents]
"""`sampler(key, maps, depth)` draws a code for each map of a batch."""


class Echo(NamedTuple):
    """Echo noise of one depth: everything that depends on the bound of the scales.

    Attributes:
        maps: from heads to the `Maps` m and S and the rate of each example in nats,
            which is at least `floor` for each latent dimension.
        channel: the channel for training, whose noise comes from the batch.
        given_bank: `given_bank(maps, depth)` is a channel whose noise is drawn from a
            bank, the maps of all training examples.
        marginal: `marginal(maps, depth)` draws codes to generate from.
        depth: number of other examples in the noise of a code.
        radius: bound of the operator norm of every scale, below 1.
        floor: least rate of a latent dimension in nats, −log radius.
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
    """Return Echo noise, its scales bounded so that truncation is within tolerance.

    Encoders with one scale for each latent dimension get diagonal matrices S, encoders
    with a matrix get full ones. For a head a, S is r σ(a), or r K(I + a) with ‖K‖ < 1
    from `contraction_of`. r is the radius; the norm of locations is at most `bound`.

    Args:
        depth: number of other examples in the noise of a code; batches must be larger.
        tolerance: greatest truncation error in each coordinate of a code.
        bound: of the largest coordinate of a location, or of its Euclidean norm if
            scales are matrices.
        sampler: how the noise is made from a batch: `ring` or `in_batch`.

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
        # The truncation error of the noise shrinks once more, by the code's own scale.
        lacking = r * tail(stored, bounds(stored), terms - 1)

        def channel(key: PRNGKey, heads: Heads) -> Coded:
            made, rates = maps(heads)
            items = jnp.arange(len(made.locations))
            noise = draw_from_bank(key, stored, items, terms - 1)
            return Coded(apply(made, noise), rates, lacking)

        return channel

    def marginal(stored: Maps, terms: int | Int[Array, ""]) -> Marginal:
        def draw(key: PRNGKey, count: int) -> Latents:
            return draw_from_bank(key, stored, jnp.arange(count), terms)

        return draw

    return Echo(maps, channel, given_bank, marginal, depth, r, -log_r)
