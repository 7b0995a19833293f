"""Two networks trained against each other, for any pair of objectives."""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Int

from jaxgan.gan import losses
from jaxgan.gan.encoder import EncoderState
from jaxgan.gan.regularisation import MatchedState, PenaltyState, Regulariser
from jaxgan.networks import Generator, Network
from jaxgan.training.algorithm import Algorithm, average_rate, require_decay, streams
from jaxgan.types import Examples, Latents, Params, PRNGKey, Scalar, Scores


class State(NamedTuple):
    """What training carries from step to step.

    Attributes:
        key: fixed for the whole run; steps and epochs derive theirs from it.
        step: number of generator updates made.
        generator: weights being trained.
        average: exponential moving average of `generator`; the one to sample from.
        critic: weights being trained.
        generator_optimizer: optax state.
        critic_optimizer: optax state.
        penalty: of the regulariser, a penalty or an encoder; None without one.
    """

    key: PRNGKey
    step: Int[Array, ""]
    generator: Params
    average: Params
    critic: Params
    generator_optimizer: optax.OptState
    critic_optimizer: optax.OptState
    penalty: PenaltyState | MatchedState | EncoderState | None = None


class Metrics(NamedTuple):
    """Diagnostics of one step; of its last critic update where there are several.

    Attributes:
        critic_loss: with the weighted penalty.
        generator_loss: against the critic just updated.
        wasserstein_estimate: mean real minus mean fake score. For a 1-Lipschitz critic
            a lower bound of the Wasserstein-1 distance of images in [-1, 1], up to
            sampling. For a vanilla GAN only the difference of mean logits.
        gradient_penalty: mean over examples, before its weight; None without penalty.
        gradient_norm: mean norm at the interpolated examples; None without penalty.
    """

    critic_loss: Scalar
    generator_loss: Scalar
    wasserstein_estimate: Scalar
    gradient_penalty: Scalar | None
    gradient_norm: Scalar | None


class Objective(NamedTuple):
    """What the two networks minimise.

    Attributes:
        critic: `critic(score, key, real, fake) -> (loss, (penalty, norm, estimate))`,
            the last three as in `Metrics`.
        generator: of the scores of generated examples.
    """

    critic: Callable[..., tuple[Scalar, tuple[Scalar | None, Scalar | None, Scalar]]]
    generator: Callable[[Scores], Scalar]


def adversarial(
    generator: Generator,
    critic: Network,
    objective: Objective,
    generator_optimizer: optax.GradientTransformation,
    critic_optimizer: optax.GradientTransformation,
    critic_steps: int,
    average_decay: float | Scalar,
    regulariser: Regulariser | None = None,
) -> Algorithm:
    """Return the algorithm that trains two networks against each other.

    A step is `critic_steps` updates of the critic, each on fresh data and latents, then
    one of the generator, on the latents of the last of them.

    Args:
        generator: from standard normal latents to examples.
        critic: from examples to scores.
        objective: what the two minimise.
        generator_optimizer: for the generator.
        critic_optimizer: for the critic.
        critic_steps: critic updates per generator update, at least 1.
        average_decay: of the generator's moving average, in [0, 1).
        regulariser: what the generator minimises as well.

    Raises:
        ValueError: if `critic_steps` or `average_decay` is out of range.
    """
    if critic_steps < 1:
        raise ValueError(f"critic_steps must be at least 1, got {critic_steps}")
    require_decay(average_decay)

    def init(key: PRNGKey) -> State:
        generator_key, critic_key, run_key = jax.random.split(key, 3)
        weights = generator.init(generator_key)
        scorer = critic.init(critic_key)
        penalty = None
        if regulariser is not None:
            penalty = regulariser.init(streams(run_key).penalty)
        return State(
            key=run_key,
            step=jnp.zeros((), jnp.int32),
            generator=weights,
            average=jax.tree.map(jnp.copy, weights),
            critic=scorer,
            generator_optimizer=generator_optimizer.init(weights),
            critic_optimizer=critic_optimizer.init(scorer),
            penalty=penalty,
        )

    def update_critic(carry, key, real, fake):
        params, moments = carry

        def loss(params):
            return objective.critic(partial(critic.apply, params), key, real, fake)

        (value, report), gradient = jax.value_and_grad(loss, has_aux=True)(params)
        change, moments = critic_optimizer.update(gradient, moments, params)
        return (optax.apply_updates(params, change), moments), (value, report)

    def require_examples(params: Params, batches) -> None:
        """Raise a `ValueError` if the data are not like what the generator makes."""
        latents = jax.ShapeDtypeStruct((2, generator.latent_dim), jnp.float32)
        shape = jax.eval_shape(generator.apply, params, latents).shape[1:]
        given = [(leaf.dtype, leaf.shape[2:]) for leaf in jax.tree.leaves(batches)]
        if len(given) == 1 and given[0][1] == shape:
            if jnp.issubdtype(given[0][0], jnp.floating):
                return
        got = " and ".join(f"{dtype} {list(each)}" for dtype, each in given)
        raise ValueError(
            "expected examples like those of the generator, uint8 pixels or "
            f"floating-point numbers {list(shape)} each, got {got}"
        )

    def step(state: State, batches) -> tuple[State, Metrics]:
        require_examples(state.generator, batches)
        # One key for each use: latents and interpolation must be independent.
        run_keys = streams(state.key)
        key = jax.random.fold_in(run_keys.noise, state.step)
        keys = jax.random.split(key, critic_steps)
        latent_keys, critic_keys = jnp.moveaxis(jax.vmap(jax.random.split)(keys), 1, 0)

        def latents(key: PRNGKey) -> Latents:
            return jax.random.normal(key, (batches.shape[1], generator.latent_dim))

        def early(carry, inputs):
            latent_key, critic_key, real = inputs
            fake = generator.apply(state.generator, latents(latent_key))
            return update_critic(carry, critic_key, real, fake)

        carry = (state.critic, state.critic_optimizer)
        if critic_steps > 1:  # A scan of no steps needs `jit`.
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
        penalty_state = state.penalty
        if regulariser is not None:
            assert penalty_state is not None
            gradient, penalty_state = regulariser.add(
                gradient,
                state.generator,
                run_keys.penalty,
                state.step,
                penalty_state,
                batches[-1],
            )
        change, generator_moments = generator_optimizer.update(
            gradient, state.generator_optimizer, state.generator
        )
        weights = optax.apply_updates(state.generator, change)

        rate = average_rate(state.step, average_decay)
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
            penalty=penalty_state,
        )
        return state, metrics

    return Algorithm(init, step, critic_steps)


def heldout_wasserstein_estimate(
    generator: Generator, critic: Network, state: State, examples: Examples
) -> Scalar:
    """Return the mean critic score of held-out examples minus that of fresh samples.

    There are as many samples as examples. How far this is below the estimate on
    training data shows how much the critic has memorised.
    """
    key = jax.random.fold_in(streams(state.key).heldout, state.step)
    latents = jax.random.normal(key, (len(examples), generator.latent_dim))
    real = critic.apply(state.critic, examples)
    fake = critic.apply(state.critic, generator.apply(state.generator, latents))
    return -losses.wasserstein_critic_loss(real, fake)
