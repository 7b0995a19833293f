"""The likelihood of an example under an autoencoder, by importance sampling."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxgan.types import Examples, PRNGKey, Scalar
from jaxgan.vae import Autoencoder, Weights


def importance_log_likelihood(
    model: Autoencoder,
    params: Weights,
    key: PRNGKey,
    examples: Examples,
    *,
    num_samples: int,
) -> Float[Array, "batch"]:
    """Estimate log p(x) of a Gaussian model, its code as proposal.

    log of the mean of p(x|z) p(z)/q(z|x), Burda et al. 2015 (arXiv:1509.00519),
    equation 8: in expectation a lower bound that rises with the samples, from the
    evidence lower bound at 1.

    Args:
        model: with `gaussian_channel`; its prior is standard normal.
        params: its weights.
        key: each example's draws depend on it and on the example's place only.
        examples: in the units of the networks.
        num_samples: for each example.

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
