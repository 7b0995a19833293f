"""Exercise 1, losses. The task is in losses.md; check: python -m exercises.losses."""

from jax import Array

from exercises.checks import losses
from exercises.report import report


def discriminator_loss(real: Array, fake: Array) -> Array:
    """Return the loss of a discriminator from its logits of real and fake images."""
    raise NotImplementedError


def generator_loss(fake: Array) -> Array:
    """Return the non-saturating loss of the generator."""
    raise NotImplementedError


def critic_loss(real: Array, fake: Array) -> Array:
    """Return the loss of a Wasserstein critic, without a penalty."""
    raise NotImplementedError


if __name__ == "__main__":
    report(losses.check, discriminator_loss, generator_loss, critic_loss)
