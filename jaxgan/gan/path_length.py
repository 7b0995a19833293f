"""The path length regularisation of StyleGAN2, a control for `jaxgan.gan.path_energy`.

Karras et al. 2020 (arXiv:1912.04958), equation 4: (‖Jᵀy‖ − a)² for latents z, noise
images y, and the running mean a of the norms. Its minimisers have Jacobians with equal
singular values, whatever the image; paths between two codes play no part in it.
"""

import jax
import jax.numpy as jnp

from jaxgan.gan.losses import gradient_norm
from jaxgan.gan.regularisation import Penalty
from jaxgan.networks import Generator
from jaxgan.types import Latent, Params, PRNGKey, Scalar

RATE = 0.01
"""Share of the newest norms in their running mean, as in the paper's code."""


def path_length_penalty(
    generator: Generator, *, batch: int = 32, folding_latents: int = 128
) -> Penalty:
    """Return the penalty, on the generator with its batch-normalisation folded.

    Args:
        generator: the generator that is trained.
        batch: number of latents at every use.
        folding_latents: number of latents that the statistics of batch-normalisation
            are taken over.

    Raises:
        ValueError: if a number is out of range.
    """
    if batch < 1 or folding_latents < 2:
        raise ValueError(
            "batch must be ≥ 1 and folding_latents ≥ 2, got "
            f"{batch} and {folding_latents}"
        )

    def init() -> Scalar:
        return jnp.zeros(())

    def apply(params: Params, key: PRNGKey, mean: Scalar) -> tuple[Scalar, Scalar]:
        fold_key, latent_key, noise_key = jax.random.split(key, 3)
        dim = generator.latent_dim
        latents = jax.random.normal(fold_key, (folding_latents, dim))
        generate = generator.fold(params, latents).generate

        def norm(latent: Latent, noise_key: PRNGKey) -> Scalar:
            shape = jax.eval_shape(generate, latent[None]).shape[1:]
            noise = jax.random.normal(noise_key, shape)
            noise /= jnp.sqrt(jnp.asarray(noise.size, noise.dtype))
            return gradient_norm(
                lambda latent: jnp.sum(generate(latent[None])[0] * noise), latent
            )

        norms = jax.vmap(norm)(
            jax.random.normal(latent_key, (batch, dim)),
            jax.random.split(noise_key, batch),
        )
        mean += RATE * (jax.lax.stop_gradient(jnp.mean(norms)) - mean)
        return jnp.mean((norms - mean) ** 2), mean

    return Penalty(init, apply)
