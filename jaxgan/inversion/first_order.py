"""First-order search for codes: every instance on its own, the best point kept."""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Float

from jaxgan.types import Example, Examples, Latent, Latents, Scalar

CLIP = 1e-6


class Descended(NamedTuple):
    """Where a descent went.

    Attributes:
        latents: the best point of each instance, by its objective.
        values: objective there; infinite where it was never finite.
    """

    latents: Float[Array, "n latent"]
    values: Float[Array, "n"]


Fit = Callable[[Example, Example], Scalar]


def squared_error(image: Example, target: Example) -> Scalar:
    """Half the squared distance, a sum over pixels in the networks' units."""
    difference = image - target
    return 0.5 * jnp.sum(difference * difference)


def cross_entropy(image: Example, target: Example) -> Scalar:
    """Bernoulli cross-entropy of pixels brought to [0, 1], a sum in nats.

    Its gradient does not vanish where tanh saturates, as that of the squared error
    does: for an image tanh(a) it is the residual itself, with respect to 2a.
    """
    p = jnp.clip((image + 1) / 2, CLIP, 1 - CLIP)
    q = (target + 1) / 2
    return -jnp.sum(q * jnp.log(p) + (1 - q) * jnp.log1p(-p))


def objective(
    generate: Callable[[Latents], Examples],
    target: Example,
    *,
    fit: Fit = squared_error,
    prior_weight: float = 0.0,
) -> Callable[[Latent], Scalar]:
    """Build `fit(G(z), target) + ½ prior_weight ‖z‖²` for one instance.

    With `squared_error` and pixels of Gaussian noise with variance σ² (networks'
    units), `prior_weight` σ² makes the minimum the most probable code.
    """

    def value(latent: Latent) -> Scalar:
        error = fit(generate(latent[None])[0], target)
        return error + 0.5 * prior_weight * jnp.sum(latent * latent)

    return value


def descend(
    generate: Callable[[Latents], Examples],
    latents: Float[Array, "n latent"],
    targets: Examples,
    optimizer: optax.GradientTransformationExtraArgs,
    num_steps: int,
    *,
    fit: Fit = squared_error,
    prior_weight: float = 0.0,
) -> Descended:
    """Minimise each instance's objective for `num_steps` steps from its own start.

    Args:
        generate: on a batch.
        latents: one start for each instance.
        targets: one for each instance.
        optimizer: any of optax, L-BFGS with its line search included.
        num_steps: of the optimiser; one gradient each, without line search.
        fit: how image and target are compared.
        prior_weight: of ½‖z‖².
    """
    optimizer = optax.with_extra_args_support(optimizer)

    def one(start: Latent, target: Example) -> tuple[Array, Array]:
        value = objective(generate, target, fit=fit, prior_weight=prior_weight)
        value_and_grad = jax.value_and_grad(value)

        def body(carry, _):
            latent, state, best, least = carry
            now, gradient = value_and_grad(latent)
            better = now < least  # False for NaN
            best, least = (
                jnp.where(better, latent, best),
                jnp.where(better, now, least),
            )
            change, state = optimizer.update(
                gradient, state, latent, value=now, grad=gradient, value_fn=value
            )
            return (latent + jnp.asarray(change), state, best, least), None

        carry = (start, optimizer.init(start), start, jnp.inf)
        (latent, _, best, least), _ = jax.lax.scan(body, carry, length=num_steps)
        last = value(latent)
        better = last < least
        return jnp.where(better, latent, best), jnp.where(better, last, least)

    return Descended(*jax.vmap(one)(latents, targets))
