"""Linear autoencoders of Gaussian points, and the least rate that any code needs."""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Float

from jaxgan import autoencoders, training
from jaxgan.autoencoders import Maps, gaussian_distortion
from jaxgan.networks import Heads, mlp_decoder, mlp_encoder
from jaxgan.types import Examples, PRNGKey

VARIANCES = np.array([4.0, 1.0, 0.25])
WATERS = np.array([0.01, 0.02, 0.04, 0.08, 0.12])
"""β σ² of the trained models, σ² = 1 being the decoder's variance: the "water" of
reverse water-filling. Echo's scales √(β σ²/λ), λ being the variance of a dimension,
must stay below its radius of convergence."""

POINTS = 8192
BATCH = 256
STEPS = 6000
LEARNING_RATE = 0.2
DEPTH = 99


Noise: TypeAlias = tuple[Maps, Array, Array, Array]
"""Maps and rates of codes; mean and second moments of their noise."""


class Tradeoff(NamedTuple):
    """Rates and squared errors at several β, or of several points of a curve.

    Attributes:
        rates: in nats.
        errors: mean squared errors, summed over dimensions.
    """

    rates: Float[np.ndarray, "betas"]
    errors: Float[np.ndarray, "betas"]


def water_filling(
    variances: Float[np.ndarray, "d"], waters: Float[np.ndarray, "n"]
) -> Tradeoff:
    """Return points of R(D) of independent Gaussians, with slopes dD/dR = −2 water.

    Cover & Thomas, Elements of Information Theory, theorem 10.3.3: the error of every
    dimension is the water, or its variance where that is less.
    """
    left = np.minimum(variances, waters[:, None])
    return Tradeoff(0.5 * np.log(variances / left).sum(1), left.sum(1))


def rate_at(variances: Float[np.ndarray, "d"], error: float) -> float:
    """Return the least rate, in nats, at which a squared error can be reached.

    Raises:
        ValueError: if the error is not between 0 and what rate 0 leaves.
    """
    if not 0 < error <= variances.sum():
        raise ValueError(f"error must be in (0, {variances.sum()}], got {error}")
    low, high = 0.0, float(variances.max())
    while low < (water := (low + high) / 2) < high:
        below = np.minimum(variances, water).sum() < error
        low, high = (water, high) if below else (low, water)
    return float(water_filling(variances, np.array([high])).rates[0])


def gaussian_points(
    key: PRNGKey, count: int, variances: Float[np.ndarray, "d"]
) -> Float[Array, "n d"]:
    """Return points with mean 0 and covariance diag(variances), up to rounding."""
    drawn = np.asarray(jax.random.normal(key, (count, len(variances))), np.float64)
    drawn = drawn - drawn.mean(0)
    factor = np.linalg.cholesky(drawn.T @ drawn / count)
    white = np.linalg.solve(factor, drawn.T).T
    return jnp.asarray(white * np.sqrt(variances), jnp.float32)


def marginal_moments(
    maps: Maps, depth: int
) -> tuple[Float[Array, "latent"], Float[Array, "latent latent"]]:
    """Return the mean and the second moments of Echo's marginal q(z).

    Each of the `depth` terms of the noise is drawn independently from the maps, which
    have locations m and diagonal scales s. The moments follow by iterating
    μ ← E m + E s μ and E zᵢzⱼ ← E mᵢmⱼ + E[mᵢsⱼ] μⱼ + E[sᵢmⱼ] μᵢ + E[sᵢsⱼ] E zᵢzⱼ.
    """
    m, s = maps
    count = len(m)
    mm, ms, ss = m.T @ m / count, m.T @ s / count, s.T @ s / count

    def further(_, carry):
        mean, second = carry
        cross = ms * mean[None]
        return jnp.mean(m, 0) + jnp.mean(s, 0) * mean, mm + cross + cross.T + (
            ss * second
        )

    start = (jnp.zeros(m.shape[1]), jnp.zeros((m.shape[1],) * 2))
    return jax.lax.fori_loop(0, depth + 1, further, start)


def gaussian_noise(heads: Heads) -> Noise:
    """Return the maps and rates of Gaussian codes, and the moments of their noise."""
    dim = heads.location.shape[1]
    maps = Maps(heads.location, jnp.exp(heads.scale))
    rates = autoencoders.divergence_from_prior(heads.location, heads.scale)
    return maps, rates, jnp.zeros(dim), jnp.eye(dim)


def echo_noise(heads: Heads) -> Noise:
    """Return the maps and rates of Echo codes, and the moments of their noise."""
    maps, rates = autoencoders.echo(DEPTH).maps(heads)
    return maps, rates, *marginal_moments(maps, DEPTH - 1)


def exact_point(
    noise: Callable[[Heads], Noise], params: autoencoders.Weights, points: Examples
) -> tuple[Array, Array]:
    """Return the mean rate and squared error of a model with an affine decoder.

    The mean over the noise e is exact: E‖x − W(m + s e) − c‖² needs only its first two
    moments.

    Args:
        noise: `gaussian_noise` or `echo_noise`.
        params: weights of the encoder and of the decoder.
        points: to encode and decode.
    """
    dim = points.shape[1]
    heads = mlp_encoder(dim, (), shape=(dim,)).apply(params.encoder, points)
    maps, rates, mean, second = noise(heads)
    weights = params.decoder["output"]["kernel"]
    centre = maps.locations + maps.scales * mean[None]
    missed = points - centre @ weights - params.decoder["output"]["bias"][None]
    covariance = second - jnp.outer(mean, mean)
    both = maps.scales.T @ maps.scales / len(points)
    spread = jnp.sum(both * covariance * (weights @ weights.T))
    return jnp.mean(rates), jnp.mean(jnp.sum(missed * missed, 1)) + spread


KINDS = {
    "gaussian": (autoencoders.gaussian_channel, gaussian_noise),
    "echo": (autoencoders.echo(DEPTH).channel, echo_noise),
}
"""Codes by name: the channel to train with, and its noise to measure with."""


def train(
    kind: str,
    key: PRNGKey,
    variances: Float[np.ndarray, "d"] = VARIANCES,
    waters: Float[np.ndarray, "n"] = WATERS,
    steps: int = STEPS,
) -> Tradeoff:
    """Train linear autoencoders of one kind at every β, and measure them.

    Args:
        kind: one of `KINDS`: a β-VAE, or Echo noise.
        key: of the points, the starting weights and the noise; the points are the same
            for both kinds.
        variances: of the points, in each dimension.
        waters: the values of β, since the decoder's variance is 1.
        steps: training steps.
    """
    data_key, run_key = jax.random.split(key)
    points = gaussian_points(data_key, POINTS, variances)
    schedule = optax.cosine_decay_schedule(LEARNING_RATE, steps)
    channel, noise = KINDS[kind]
    linear = autoencoders.Autoencoder(
        mlp_encoder(len(variances), (), shape=(len(variances),)),
        mlp_decoder(len(variances), (), shape=(len(variances),)),
        channel,
        gaussian_distortion,
    )
    autoencoding = autoencoders.autoencoding(
        linear, optimizer=training.adam(schedule, 0.9, 0.999)
    )
    betas = jnp.asarray(waters, jnp.float32)
    rates, errors = _trained(autoencoding, noise, steps, run_key, points, betas)
    return Tradeoff(np.asarray(rates), np.asarray(errors))


@partial(jax.jit, static_argnames=("autoencoding", "noise", "steps"))
def _trained(
    autoencoding: training.Algorithm,
    noise: Callable[[Heads], Noise],
    steps: int,
    key: PRNGKey,
    points: Examples,
    betas: Float[Array, "n"],
) -> tuple[Array, Array]:
    """Return rates and squared errors after training; one program for all β."""

    def one(beta):
        state = autoencoding.init(key)._replace(beta=beta)
        state, _ = training.run_steps(
            autoencoding, state, points, steps, batch_size=BATCH
        )
        return exact_point(noise, state.params, points)

    return jax.vmap(one)(betas)


def excess_rates(
    variances: Float[np.ndarray, "d"], reached: Tradeoff
) -> Float[np.ndarray, "n"]:
    """Return by how much each rate exceeds the least one: their ratio, minus 1."""
    least = [rate_at(variances, float(error)) for error in reached.errors]
    return reached.rates / np.array(least) - 1
