"""What can be wrong with adversarial losses."""

from collections.abc import Callable, Iterator

import jax
import jax.numpy as jnp
from jax import Array

REAL = jnp.array([-2.0, 0.3, 4.0, 1.0])
FAKE = jnp.array([1.5, -0.7, -3.0])


def close(one: Array, other: Array | float) -> bool:
    """Return whether two numbers agree to five digits."""
    return bool(jnp.allclose(one, other, rtol=1e-5, atol=1e-6))


def check(
    discriminator_loss: Callable[[Array, Array], Array],
    generator_loss: Callable[[Array], Array],
    critic_loss: Callable[[Array, Array], Array],
) -> Iterator[str]:
    """Yield what is wrong with the three losses."""
    yield from _discriminator(discriminator_loss)
    yield from _generator(generator_loss)
    yield from _critic(critic_loss)


def _discriminator(loss: Callable[[Array, Array], Array]) -> Iterator[str]:
    real, fake = jax.grad(loss, (0, 1))(REAL, FAKE)
    if (real > 0).any() or (fake < 0).any():
        yield (
            "The discriminator's loss falls when real images are scored lower, or fake "
            "ones higher: the labels (real 1, fake 0) or a sign are exchanged."
        )
        return
    logits = jnp.zeros(3), jnp.zeros(5)
    if not close(loss(*logits), 2 * jnp.log(2.0)):
        yield (
            "A discriminator that knows nothing (all logits 0) must lose 2 log 2 = "
            f"1.386, yours loses {loss(*logits):.3f}. It is the sum of two means, one "
            "over the real and one over the fake images."
        )
        return
    expected = -jnp.log(jax.nn.sigmoid(REAL)).mean()
    expected -= jnp.log(1 - jax.nn.sigmoid(FAKE)).mean()
    if not close(loss(REAL, FAKE), expected):
        yield (
            "For some logits the discriminator's loss is not -mean log σ(real) - mean "
            "log(1 - σ(fake)). Are the arguments taken for probabilities?"
        )
    if not jnp.isfinite(loss(-1e4 * jnp.ones(2), 1e4 * jnp.ones(2))):
        yield (
            "For large logits the discriminator's loss is not finite: the logarithm of "
            "a sigmoid that has become 0. Write -log σ(u) as softplus(-u)."
        )


def _generator(loss: Callable[[Array], Array]) -> Iterator[str]:
    slope = jax.grad(loss)(FAKE)
    if (slope >= 0).any():
        yield (
            "The generator's loss does not fall when its images are scored higher: it "
            "wants fake images to be taken for real ones."
        )
        return
    losing = jax.grad(loss)(jnp.array([-20.0]))
    if abs(losing[0]) < 0.5:
        yield (
            "Where the discriminator is sure that an image is fake, the generator's "
            "gradient vanishes: this is the saturating loss, log(1 - σ). Asked for is "
            "-log σ(fake)."
        )
        return
    if not close(loss(FAKE), -jnp.log(jax.nn.sigmoid(FAKE)).mean()):
        yield (
            "The generator's loss must be the mean of -log σ(fake) over the images, "
            f"here {-jnp.log(jax.nn.sigmoid(FAKE)).mean():.3f}; yours is "
            f"{loss(FAKE):.3f}."
        )
    if not jnp.isfinite(loss(jnp.array([-1e4]))):
        yield "For large negative logits the generator's loss is not finite."


def _critic(loss: Callable[[Array, Array], Array]) -> Iterator[str]:
    value, expected = loss(REAL, FAKE), FAKE.mean() - REAL.mean()
    if close(value, -expected):
        yield (
            "The critic's loss has the wrong sign. The critic wants real images to be "
            "scored high, and a loss is minimised: mean fake minus mean real."
        )
    elif not close(value, expected):
        yield (
            "The critic's loss must be the mean fake score minus the mean real score, "
            f"here {expected:.3f}; yours is {value:.3f}. A Wasserstein critic has no "
            "sigmoid and no logarithm."
        )
