"""The two adversarial algorithms, as what their two networks minimise."""

from functools import partial

import jax
import jax.numpy as jnp
import optax

from jaxgan.gan import losses
from jaxgan.gan.alternating import Objective, adversarial
from jaxgan.gan.regularisation import Regulariser
from jaxgan.networks import Generator, Network
from jaxgan.training.algorithm import ADAM, Algorithm
from jaxgan.types import Examples, Scalar, Scores


def vanilla_gan(
    generator: Generator,
    critic: Network,
    *,
    generator_optimizer: optax.GradientTransformation = ADAM,
    critic_optimizer: optax.GradientTransformation = ADAM,
    saturating: bool = False,
    critic_steps: int = 1,
    average_decay: float | Scalar = 0.999,
    regulariser: Regulariser | None = None,
) -> Algorithm:
    """Return the vanilla GAN of Goodfellow et al. 2014 (arXiv:1406.2661).

    As in `wgan_gp`, the generator's update uses the latents of the critic's last one.

    Args:
        generator: from standard normal latents to examples.
        critic: the discriminator; its scores are logits.
        generator_optimizer: for the generator.
        critic_optimizer: for the discriminator.
        saturating: the minimax generator loss in place of the non-saturating one.
        critic_steps: discriminator updates per generator update, each on fresh data.
        average_decay: of the generator's moving average, in [0, 1).
        regulariser: what the generator minimises as well.

    Raises:
        ValueError: if `critic_steps` or `average_decay` is out of range.
    """

    def critic_objective(score, key, real, fake):
        del key
        real_scores, fake_scores = _scores(score, real, fake)
        loss = losses.discriminator_loss(real_scores, fake_scores)
        gap = -losses.wasserstein_critic_loss(real_scores, fake_scores)
        return loss, (None, None, gap)

    generator_loss = (
        losses.saturating_generator_loss
        if saturating
        else losses.nonsaturating_generator_loss
    )
    return adversarial(
        generator,
        critic,
        Objective(critic_objective, generator_loss),
        generator_optimizer,
        critic_optimizer,
        critic_steps,
        average_decay,
        regulariser,
    )


def wgan_gp(
    generator: Generator,
    critic: Network,
    *,
    generator_optimizer: optax.GradientTransformation = ADAM,
    critic_optimizer: optax.GradientTransformation = ADAM,
    penalty_weight: float | Scalar = 10.0,
    penalty_target: float | Scalar = 1.0,
    one_sided: bool = False,
    critic_steps: int = 1,
    average_decay: float | Scalar = 0.999,
    regulariser: Regulariser | None = None,
) -> Algorithm:
    """Return the WGAN-GP (Gulrajani et al. 2017, arXiv:1704.00028).

    It is algorithm 1 of the paper but for one thing: the generator's update uses the
    latents of the critic's last update, where the paper draws fresh ones. That saves a
    forward pass.

    Args:
        generator: from standard normal latents to examples.
        critic: from examples to scores; must treat each example alone (no
            batch-normalisation), because each has its own penalty.
        generator_optimizer: for the generator.
        critic_optimizer: for the critic.
        penalty_weight: λ of equation 3.
        penalty_target: the gradient norm without penalty.
        one_sided: penalise only norms above the target.
        critic_steps: critic updates per generator update, each on fresh data.
        average_decay: of the generator's moving average, in [0, 1).
        regulariser: what the generator minimises as well.

    Raises:
        ValueError: if `critic_steps` or `average_decay` is out of range.
    """

    def critic_objective(score, key, real, fake):
        real_scores, fake_scores = _scores(score, real, fake)
        loss = losses.wasserstein_critic_loss(real_scores, fake_scores)
        between = losses.interpolate(key, real, fake)
        norms = jax.vmap(partial(losses.gradient_norm, lambda x: score(x[None])[0]))(
            between
        )
        norm_penalty = partial(
            losses.norm_penalty, target=penalty_target, one_sided=one_sided
        )
        penalty = jnp.mean(jax.vmap(norm_penalty)(norms))
        return loss + penalty_weight * penalty, (penalty, jnp.mean(norms), -loss)

    return adversarial(
        generator,
        critic,
        Objective(critic_objective, losses.wasserstein_generator_loss),
        generator_optimizer,
        critic_optimizer,
        critic_steps,
        average_decay,
        regulariser,
    )


def _scores(score, real: Examples, fake: Examples) -> tuple[Scores, Scores]:
    """Return the scores of both batches, from one pass of larger matrix products.

    Real and fake examples alternate, so that rows divided among devices stay on them.
    """
    pairs = jnp.stack([real, fake], 1)
    scores = score(pairs.reshape(-1, *real.shape[1:])).reshape(-1, 2)
    return scores[:, 0], scores[:, 1]
