"""Adversarial objectives: a batch of scores, or one example, in; a scalar out.

Scores are logits: no objective here wants a sigmoid applied first.
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
    """Mean binary cross-entropy of real scores to 1 plus that of fake scores to 0.

    Goodfellow et al. 2014 (arXiv:1406.2661), equation 1 with its sign turned, in
    nats; 2 log 2 for a discriminator that cannot tell.
    """
    return jnp.mean(jax.nn.softplus(-real)) + jnp.mean(jax.nn.softplus(fake))


def nonsaturating_generator_loss(fake: Scores) -> Scalar:
    """Binary cross-entropy of fake scores to 1: −E log D(G(z)).

    The form that Goodfellow et al. 2014 (section 3) train with; its gradient does
    not vanish while the discriminator wins.
    """
    return jnp.mean(jax.nn.softplus(-fake))


def saturating_generator_loss(fake: Scores) -> Scalar:
    """The generator's side of the minimax game: E log(1 − D(G(z))), at most 0.

    Goodfellow et al. 2014, equation 1.
    """
    return -jnp.mean(jax.nn.softplus(fake))


def wasserstein_critic_loss(real: RealScores, fake: FakeScores) -> Scalar:
    """Mean fake score minus mean real score.

    Arjovsky et al. 2017 (arXiv:1701.07875), equation 2 with its sign turned. Its
    negative estimates the Wasserstein-1 distance from below if the critic is
    1-Lipschitz.
    """
    return jnp.mean(fake) - jnp.mean(real)


def wasserstein_generator_loss(fake: Scores) -> Scalar:
    """Minus the mean fake score."""
    return -jnp.mean(fake)


def interpolate(key: PRNGKey, real: Examples, fake: Float[Array, "..."]) -> Examples:
    """Draw one point on the segment between each real example and its fake partner.

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
    """Return the Euclidean norm of the gradient of a score by all of its example.

    Its own derivative is 0, not NaN, where the gradient vanishes.
    """
    return optax.safe_norm(jax.grad(score)(example), 0.0)


def norm_penalty(
    norm: Scalar, *, target: float = 1.0, one_sided: bool = False
) -> Scalar:
    """Squared distance of a gradient norm from its target.

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
    target: float = 1.0,
    one_sided: bool = False,
) -> Scalar:
    """Penalty on the gradient norm of the score at one example.

    Batch it with `jax.vmap` over the examples: each has a norm of its own. For a
    linear critic w·x it is (‖w‖ − target)² at every x.
    """
    norm = gradient_norm(score, example)
    return norm_penalty(norm, target=target, one_sided=one_sided)
