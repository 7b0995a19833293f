"""The optimisers of a generator and of what it is trained against."""

import optax

from jaxgan.training import adam, robbins_monro


def adams(
    learning_rate: float,
    decay_after: int | None,
    beta1: float,
    beta2: float = 0.99,
    *,
    critic_steps: int,
) -> tuple[optax.GradientTransformation, optax.GradientTransformation]:
    """Return Adam for a generator and for its critic.

    The step size of both falls at the same time, though a critic takes more steps.

    Args:
        learning_rate: Adam's step size.
        decay_after: steps of the generator after which it falls as one over the number
            of steps; None: it stays.
        beta1: decay rate of the mean gradient.
        beta2: decay rate of the mean squared gradient.
        critic_steps: steps of the critic for each of the generator.
    """
    if decay_after is None:
        same = adam(learning_rate, beta1, beta2)
        return same, same
    generator, critic = (
        adam(robbins_monro(learning_rate, decay_after * times), beta1, beta2)
        for times in (1, critic_steps)
    )
    return generator, critic
