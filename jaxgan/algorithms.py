"""Adversarial training algorithms, each a pair of pure functions: `init` and `step`.

Everything random in a run (weights, the order of the data, latents, interpolation) is
a function of its key and the step number. `jaxgan.training` runs the steps.
"""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Float, Int

from jaxgan import losses
from jaxgan.networks import Generator, Network
from jaxgan.types import Examples, Latents, Params, PRNGKey, Scalar, Scores


def adam(
    learning_rate: float = 5e-4, b1: float = 0.0, b2: float = 0.99
) -> optax.GradientTransformation:
    """Adam (Kingma & Ba 2014, arXiv:1412.6980); the defaults have no momentum.

    Without momentum Adam is RMSProp with bias correction: the first moment would be
    the gradient itself, and is not stored.
    """
    if b1 == 0:
        return optax.rmsprop(
            learning_rate, b2, eps=1e-8, eps_in_sqrt=False, bias_correction=True
        )
    return optax.adam(learning_rate, b1, b2)


ADAM = adam()
"""The default optimiser; without momentum, for adversarial gradients turn."""


class State(NamedTuple):
    """All that a run carries from step to step.

    Attributes:
        key: fixed for the whole run; steps and epochs derive theirs from it.
        step: number of generator updates made.
        generator: weights being trained.
        average: exponential moving average of `generator`; the one to sample from.
        critic: weights being trained.
        generator_optimizer: optax state.
        critic_optimizer: optax state.
    """

    key: PRNGKey
    step: Int[Array, ""]
    generator: Params
    average: Params
    critic: Params
    generator_optimizer: optax.OptState
    critic_optimizer: optax.OptState


class Metrics(NamedTuple):
    """Diagnostics of one step; of its last critic update where there are several.

    Attributes:
        critic_loss: with the weighted penalty.
        generator_loss: against the critic just updated.
        wasserstein_estimate: mean real minus mean fake score. Positive when the
            critic tells them apart; for a 1-Lipschitz critic a lower bound of the
            Wasserstein-1 distance, in units of the networks' inputs. For a vanilla
            GAN it is only the gap between logits.
        gradient_penalty: mean over examples, before its weight; None without penalty.
        gradient_norm: mean norm at the interpolated examples; None without penalty.
    """

    critic_loss: Scalar
    generator_loss: Scalar
    wasserstein_estimate: Scalar
    gradient_penalty: Scalar | None
    gradient_norm: Scalar | None


class Algorithm(NamedTuple):
    """A way to train, as two pure functions.

    Attributes:
        init: `init(key) -> state`.
        step: `step(state, batches) -> (state, metrics)`; one generator update.
        critic_steps: how many batches a step takes: `batches` is
            `[critic_steps, batch, *shape]`, in the networks' own units.
    """

    init: Callable[[PRNGKey], State]
    step: Callable[[State, Float[Array, "critic_steps batch *shape"]], tuple]
    critic_steps: int


class _Objective(NamedTuple):
    """`critic(score, key, real, fake) -> (loss, penalty and norm, or Nones)`."""

    critic: Callable[..., tuple[Scalar, tuple[Scalar | None, Scalar | None, Scalar]]]
    generator: Callable[[Scores], Scalar]


def gan(
    generator: Generator,
    critic: Network,
    *,
    generator_optimizer: optax.GradientTransformation = ADAM,
    critic_optimizer: optax.GradientTransformation = ADAM,
    saturating: bool = False,
    critic_steps: int = 1,
    average_decay: float = 0.999,
) -> Algorithm:
    """Train a vanilla GAN (Goodfellow et al. 2014, arXiv:1406.2661).

    Args:
        generator: from standard normal latents to examples.
        critic: the discriminator; its scores are logits.
        generator_optimizer: for the generator.
        critic_optimizer: for the discriminator.
        saturating: the minimax generator loss in place of the non-saturating one.
        critic_steps: discriminator updates per generator update, each on fresh data.
        average_decay: of the generator's moving average, in [0, 1).

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
    return _adversarial(
        generator,
        critic,
        _Objective(critic_objective, generator_loss),
        generator_optimizer,
        critic_optimizer,
        critic_steps,
        average_decay,
    )


def wgan_gp(
    generator: Generator,
    critic: Network,
    *,
    generator_optimizer: optax.GradientTransformation = ADAM,
    critic_optimizer: optax.GradientTransformation = ADAM,
    penalty_weight: float = 10.0,
    penalty_target: float = 1.0,
    one_sided: bool = False,
    critic_steps: int = 1,
    average_decay: float = 0.999,
) -> Algorithm:
    """Train a Wasserstein GAN with gradient penalty (arXiv:1704.00028, algorithm 1).

    Args:
        generator: from standard normal latents to examples.
        critic: from examples to scores; must treat each example on its own (no
            batch-normalisation), for the penalty is per example.
        generator_optimizer: for the generator.
        critic_optimizer: for the critic.
        penalty_weight: λ of equation 3.
        penalty_target: the gradient norm that costs nothing.
        one_sided: penalise only norms above the target.
        critic_steps: critic updates per generator update, each on fresh data.
        average_decay: of the generator's moving average, in [0, 1).

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
        penalize = partial(
            losses.norm_penalty, target=penalty_target, one_sided=one_sided
        )
        penalty = jnp.mean(jax.vmap(penalize)(norms))
        return loss + penalty_weight * penalty, (penalty, jnp.mean(norms), -loss)

    return _adversarial(
        generator,
        critic,
        _Objective(critic_objective, losses.wasserstein_generator_loss),
        generator_optimizer,
        critic_optimizer,
        critic_steps,
        average_decay,
    )


class Streams(NamedTuple):
    """Independent keys for the three random things in a run."""

    order: PRNGKey
    noise: PRNGKey
    heldout: PRNGKey


def streams(key: PRNGKey) -> Streams:
    """Derive them from the key of a run."""
    return Streams(*jax.random.split(key, 3))


def _scores(score, real: Examples, fake: Examples) -> tuple[Scores, Scores]:
    """Both batches in one pass: fewer and larger matrix products."""
    scores = score(jnp.concatenate([real, fake]))
    return scores[: len(real)], scores[len(real) :]


def _adversarial(
    generator: Generator,
    critic: Network,
    objective: _Objective,
    generator_optimizer: optax.GradientTransformation,
    critic_optimizer: optax.GradientTransformation,
    critic_steps: int,
    average_decay: float,
) -> Algorithm:
    if critic_steps < 1:
        raise ValueError(f"critic_steps must be at least 1, got {critic_steps}")
    if not 0 <= average_decay < 1:
        raise ValueError(f"average_decay must be in [0, 1), got {average_decay}")

    def init(key: PRNGKey) -> State:
        generator_key, critic_key, run_key = jax.random.split(key, 3)
        weights = generator.init(generator_key)
        scorer = critic.init(critic_key)
        return State(
            key=run_key,
            step=jnp.zeros((), jnp.int32),
            generator=weights,
            average=jax.tree.map(jnp.copy, weights),
            critic=scorer,
            generator_optimizer=generator_optimizer.init(weights),
            critic_optimizer=critic_optimizer.init(scorer),
        )

    def update_critic(carry, key, real, fake):
        params, moments = carry

        def loss(params):
            return objective.critic(partial(critic.apply, params), key, real, fake)

        (value, report), gradient = jax.value_and_grad(loss, has_aux=True)(params)
        change, moments = critic_optimizer.update(gradient, moments, params)
        return (optax.apply_updates(params, change), moments), (value, report)

    def step(state: State, batches) -> tuple[State, Metrics]:
        # One key for each use: latents and interpolation must be independent.
        key = jax.random.fold_in(streams(state.key).noise, state.step)
        keys = jax.random.split(key, critic_steps)
        latent_keys, critic_keys = jnp.moveaxis(jax.vmap(jax.random.split)(keys), 1, 0)

        def latents(key: PRNGKey) -> Latents:
            return jax.random.normal(key, (batches.shape[1], generator.latent_dim))

        def early(carry, inputs):
            latent_key, critic_key, real = inputs
            fake = generator.apply(state.generator, latents(latent_key))
            return update_critic(carry, critic_key, real, fake)

        carry = (state.critic, state.critic_optimizer)
        earlier = (latent_keys[:-1], critic_keys[:-1], batches[:-1])
        carry, _ = jax.lax.scan(early, carry, earlier)

        # The last critic update and the generator update share latents, hence one
        # forward pass; the generator has not changed in between.
        fake, pull_back = jax.vjp(
            lambda params: generator.apply(params, latents(latent_keys[-1])),
            state.generator,
        )
        carry, (critic_loss, report) = update_critic(
            carry, critic_keys[-1], batches[-1], fake
        )
        scorer, critic_moments = carry
        generator_loss, direction = jax.value_and_grad(
            lambda fake: objective.generator(critic.apply(scorer, fake))
        )(fake)
        (gradient,) = pull_back(direction)
        change, generator_moments = generator_optimizer.update(
            gradient, state.generator_optimizer, state.generator
        )
        weights = optax.apply_updates(state.generator, change)

        # A young average forgets its random start faster.
        t = state.step.astype(jnp.float32)
        rate = 1 - jnp.minimum(average_decay, (1 + t) / (10 + t))
        average = optax.incremental_update(weights, state.average, rate)

        penalty, norm, gap = report
        metrics = Metrics(critic_loss, generator_loss, gap, penalty, norm)
        state = State(
            key=state.key,
            step=state.step + 1,
            generator=weights,
            average=average,
            critic=scorer,
            generator_optimizer=generator_moments,
            critic_optimizer=critic_moments,
        )
        return state, metrics

    return Algorithm(init, step, critic_steps)


def heldout_wasserstein_estimate(
    generator: Generator, critic: Network, state: State, examples: Examples
) -> Scalar:
    """Mean critic score of held-out examples minus that of as many fresh samples.

    Below the estimate on training data by as much as the critic has memorised.
    """
    key = jax.random.fold_in(streams(state.key).heldout, state.step)
    latents = jax.random.normal(key, (len(examples), generator.latent_dim))
    real = critic.apply(state.critic, examples)
    fake = critic.apply(state.critic, generator.apply(state.generator, latents))
    return -losses.wasserstein_critic_loss(real, fake)
