"""Adversarial losses: functions of a batch of scores, or of one example.

The scores of a vanilla GAN are logits: no sigmoid is applied to them before.
"""

from collections.abc import Callable
from typing import TypeAlias

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Float

from jaxgan.types import Example, Examples, PRNGKey, Scalar, Scores

RealScores: TypeAlias = Float[Array, "real"]
FakeScores: TypeAlias = Float[Array, "fake"]


def discriminator_loss(real: RealScores, fake: FakeScores) -> Scalar:
    """Return the mean cross-entropy of real scores to 1 plus that of fake scores to 0.

    Goodfellow et al. 2014 (arXiv:1406.2661), equation 1 with its sign changed, in nats;
    it is 2 log 2 for a discriminator whose scores are all 0.
    """
    return jnp.mean(jax.nn.softplus(-real)) + jnp.mean(jax.nn.softplus(fake))


def nonsaturating_generator_loss(fake: Scores) -> Scalar:
    """Return the mean cross-entropy of fake scores to 1: −E log D(G(z)).

    This is the loss that Goodfellow et al. 2014 (section 3) train with; its gradient
    does not vanish where the discriminator is right.
    """
    return jnp.mean(jax.nn.softplus(-fake))


def saturating_generator_loss(fake: Scores) -> Scalar:
    """Return the generator's loss in the minimax game: E log(1 − D(G(z))), at most 0.

    Goodfellow et al. 2014, equation 1.
    """
    return -jnp.mean(jax.nn.softplus(fake))


def wasserstein_critic_loss(real: RealScores, fake: FakeScores) -> Scalar:
    """Return the mean fake score minus the mean real score.

    Arjovsky et al. 2017 (arXiv:1701.07875), equation 2 with its sign changed. Its
    negative is a lower bound of the Wasserstein-1 distance if the critic is
    1-Lipschitz, up to sampling.
    """
    return jnp.mean(fake) - jnp.mean(real)


def wasserstein_generator_loss(fake: Scores) -> Scalar:
    """Return minus the mean fake score."""
    return -jnp.mean(fake)


def interpolate(key: PRNGKey, real: Examples, fake: Float[Array, "..."]) -> Examples:
    """Return one random point between each real example and the fake one beside it.

    x̂ = ε x + (1 − ε) G(z) with one ε ~ U[0, 1] per example, the same for all of its
    pixels (Gulrajani et al. 2017, arXiv:1704.00028, algorithm 1, line 6).

    Raises:
        ValueError: if the two batches differ in shape.
    """
    if real.shape != fake.shape:
        raise ValueError(
            f"real and fake examples must have one shape, got {real.shape} "
            f"and {fake.shape}"
        )
    shape = real.shape[:1] + (1,) * (real.ndim - 1)
    epsilon = jax.random.uniform(key, shape, real.dtype)
    return fake + epsilon * (real - fake)


def gradient_norm(score: Callable[[Example], Scalar], example: Example) -> Scalar:
    """Return the Euclidean norm of the gradient of a score by one whole example.

    Its own derivative is 0, not NaN, where the gradient vanishes.
    """
    return optax.safe_norm(jax.grad(score)(example), 0.0)


def norm_penalty(
    norm: Scalar, *, target: float | Scalar = 1.0, one_sided: bool = False
) -> Scalar:
    """Return the squared distance of a gradient norm from its target.

    Two-sided: (‖∇D‖ − target)², Gulrajani et al. 2017, equation 3 (without the
    weight λ). One-sided: only norms above the target count, max(0, ‖∇D‖ − target)²,
    Petzka et al. 2018 (arXiv:1709.08894), equation 8.
    """
    excess = norm - target
    if one_sided:
        excess = jnp.maximum(excess, 0.0)
    return excess * excess


def gradient_penalty(
    score: Callable[[Example], Scalar],
    example: Example,
    *,
    target: float | Scalar = 1.0,
    one_sided: bool = False,
) -> Scalar:
    """Return the penalty on the gradient norm of the score at one example.

    Use `jax.vmap` for a batch: each example has its own norm. For a linear critic w·x
    the penalty is (‖w‖ − target)² at every x.
    """
    norm = gradient_norm(score, example)
    return norm_penalty(norm, target=target, one_sided=one_sided)
