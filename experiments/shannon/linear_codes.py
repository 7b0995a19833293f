"""Linear autoencoders of Gaussian points, beside the curve that none can beat."""

from collections.abc import Mapping
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Float

from jaxgan import autoencoders, training
from jaxgan.autoencoders import Maps, gaussian_distortion
from jaxgan.networks import mlp_decoder, mlp_encoder
from jaxgan.types import Examples, PRNGKey

VARIANCES = np.array([4.0, 1.0, 0.25])
WATERS = np.array([0.01, 0.02, 0.04, 0.08, 0.12])
"""β σ² of the trained points. Echo's scales √(β σ²/λ) must stay below its radius."""

POINTS = 8192
BATCH = 256
STEPS = 6000
LEARNING_RATE = 0.2
DEPTH = 99


class Point(NamedTuple):
    """Where an autoencoder is on the plane, for each β.

    Attributes:
        rates: in nats.
        errors: squared, summed over dimensions.
    """

    rates: Float[np.ndarray, "betas"]
    errors: Float[np.ndarray, "betas"]


def water_filling(
    variances: Float[np.ndarray, "d"], waters: Float[np.ndarray, "n"]
) -> Point:
    """Give R(D) of independent Gaussians, at some slopes dD/dR = −2 water.

    Cover & Thomas, Elements of Information Theory, theorem 10.3.3: every dimension is
    known up to the water, or up to its variance where that is less.
    """
    left = np.minimum(variances, waters[:, None])
    return Point(0.5 * np.log(variances / left).sum(1), left.sum(1))


def rate_at(variances: Float[np.ndarray, "d"], error: float) -> float:
    """Give the least rate, in nats, at a squared error.

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
    """Draw points whose mean and covariance are exactly those of the population."""
    drawn = np.asarray(jax.random.normal(key, (count, len(variances))), np.float64)
    drawn = drawn - drawn.mean(0)
    factor = np.linalg.cholesky(drawn.T @ drawn / count)
    white = np.linalg.solve(factor, drawn.T).T
    return jnp.asarray(white * np.sqrt(variances), jnp.float32)


def marginal_moments(
    maps: Maps, depth: int
) -> tuple[Float[Array, "latent"], Float[Array, "latent latent"]]:
    """Give mean and second moments of q(z) for independent draws from some maps.

    Diagonal scales, and noise of `depth` terms: μ ← E m + E s μ, and
    E zᵢzⱼ ← E mᵢmⱼ + E[mᵢsⱼ] μⱼ + E[sᵢmⱼ] μᵢ + E[sᵢsⱼ] E zᵢzⱼ.
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


def gaussian_noise(heads) -> tuple[Maps, Array, Array, Array]:
    """Give location and scale of a Gaussian code, and the moments of its noise."""
    dim = heads.location.shape[1]
    maps = Maps(heads.location, jnp.exp(heads.scale))
    rates = autoencoders.divergence_from_prior(heads.location, heads.scale)
    return maps, rates, jnp.zeros(dim), jnp.eye(dim)


def echo_noise(heads) -> tuple[Maps, Array, Array, Array]:
    """Give location and scale of an Echo code, and the moments of its noise."""
    maps, rates = autoencoders.echo(DEPTH).maps(heads)
    return maps, rates, *marginal_moments(maps, DEPTH - 1)


def exact_point(
    noise, params: autoencoders.Weights, points: Examples
) -> tuple[Array, Array]:
    """Give rate and squared error of a model with an affine decoder, noise averaged.

    E‖x − W(m + s e) − c‖² needs only the first two moments of the noise e.
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


def train(
    key: PRNGKey,
    variances: Float[np.ndarray, "d"] = VARIANCES,
    waters: Float[np.ndarray, "n"] = WATERS,
    steps: int = STEPS,
) -> Mapping[str, Point]:
    """Train a linear β-VAE and a linear Echo autoencoder at every β, and measure them.

    The decoder's variance is 1, so that β is the water. All β are one program.
    """
    data_key, run_key = jax.random.split(key)
    points = gaussian_points(data_key, POINTS, variances)
    dim = len(variances)
    schedule = optax.cosine_decay_schedule(LEARNING_RATE, steps)
    found = {}
    for name, channel, noise in (
        ("gaussian", autoencoders.gaussian_channel, gaussian_noise),
        ("echo", autoencoders.echo(DEPTH).channel, echo_noise),
    ):
        linear = autoencoders.Autoencoder(
            mlp_encoder(dim, (), shape=(dim,)),
            mlp_decoder(dim, (), shape=(dim,)),
            channel,
            gaussian_distortion,
        )
        autoencoding = autoencoders.autoencoding(
            linear, optimizer=training.adam(schedule, 0.9, 0.999)
        )

        @jax.jit
        def trained(betas, autoencoding=autoencoding, noise=noise):
            def one(beta):
                state = autoencoding.init(run_key)._replace(beta=beta)
                state, _ = training.run_steps(
                    autoencoding, state, points, steps, batch_size=BATCH
                )
                return exact_point(noise, state.params, points)

            return jax.vmap(one)(betas)

        rates, errors = trained(jnp.asarray(waters, jnp.float32))
        found[name] = Point(np.asarray(rates), np.asarray(errors))
    return found


def excess(variances: Float[np.ndarray, "d"], point: Point) -> Float[np.ndarray, "n"]:
    """Give how much more rate each point has than its error needs: a ratio, minus 1."""
    needed = [rate_at(variances, float(error)) for error in point.errors]
    return point.rates / np.array(needed) - 1
