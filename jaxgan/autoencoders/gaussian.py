"""Codes with Gaussian noise: channel, rate, prior, and likelihood of an example.

With `gaussian_channel` an `Autoencoder` is the β-VAE.
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxgan.autoencoders.autoencoder import Autoencoder, Coded, Marginal, Weights
from jaxgan.networks import Heads
from jaxgan.types import Examples, Latents, PRNGKey, Scalar


def divergence_from_prior(
    mean: Float[Array, "*batch latent"], log_std: Float[Array, "*batch latent"]
) -> Float[Array, "*batch"]:
    """Return KL(N(mean, std²) ‖ N(0, 1)), summed over latent dimensions, in nats.

    Kingma & Welling 2013 (arXiv:1312.6114), appendix B. The exponential is computed by
    `expm1`, so that small values keep their digits.
    """
    excess = jnp.expm1(2 * log_std) - 2 * log_std
    return 0.5 * jnp.sum(mean * mean + excess, -1)


def gaussian_channel(key: PRNGKey, heads: Heads) -> Coded:
    """Return codes with Gaussian noise, and as rates their divergences from the prior.

    The location is the mean of a code, the scale the log of its standard deviation. The
    mean of the rates is the mutual information plus KL(q(z) ‖ prior), so it is never
    below the information.
    """
    noise = jax.random.normal(key, heads.location.shape)
    latents = heads.location + jnp.exp(heads.scale) * noise
    rates = divergence_from_prior(heads.location, heads.scale)
    return Coded(latents, rates, jnp.zeros(()))


def prior(latent_dim: int) -> Marginal:
    """Return the marginal of Gaussian codes as the rates assume it: standard normal."""

    def marginal(key: PRNGKey, count: int) -> Latents:
        own = jax.vmap(lambda place: jax.random.fold_in(key, place))(jnp.arange(count))
        return jax.vmap(lambda key: jax.random.normal(key, (latent_dim,)))(own)

    return marginal


def importance_log_likelihood(
    model: Autoencoder,
    params: Weights,
    key: PRNGKey,
    examples: Examples,
    *,
    num_samples: int,
) -> Float[Array, "batch"]:
    """Return an estimate of log p(x) for each example, in nats, by importance sampling.

    The estimate is the log of the mean of p(x|z) p(z)/q(z|x) over codes z drawn from
    the encoder's q(z|x) (Burda et al. 2015, arXiv:1509.00519, equation 8). In
    expectation it is a lower bound that rises with the number of samples, from the
    evidence lower bound at 1.

    Args:
        model: with `gaussian_channel`; its prior is standard normal.
        params: its weights.
        key: the draws for an example depend only on it and on the example's place.
        examples: in the units of the networks.
        num_samples: draws for each example.

    Raises:
        ValueError: if `num_samples` is below 1.
    """
    if num_samples < 1:
        raise ValueError(f"num_samples must be at least 1, got {num_samples}")

    def one(inputs) -> Scalar:
        index, example = inputs
        heads = model.encoder.apply(params.encoder, example[None])
        shape = (num_samples, heads.location.shape[1])
        noise = jax.random.normal(jax.random.fold_in(key, index), shape)
        latents = heads.location + jnp.exp(heads.scale) * noise
        outputs = model.decoder.apply(params.decoder, latents)
        distortions = jax.vmap(model.distortion, (0, None))(outputs, example)
        # log p(z) − log q(z|x): the constants of the two densities cancel.
        log_ratios = jnp.sum(0.5 * (noise * noise - latents * latents), 1)
        log_ratios = log_ratios + jnp.sum(heads.scale)
        return jax.nn.logsumexp(log_ratios - distortions) - jnp.log(num_samples)

    return jax.lax.map(one, (jnp.arange(len(examples)), examples))
