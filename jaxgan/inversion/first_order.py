"""Gradient descent on codes with any optax optimiser, many instances side by side."""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Float

from jaxgan.networks import arguments
from jaxgan.types import Example, Examples, Latent, Latents, Scalar

CLIP = 1e-6
"""Probabilities of pixels are kept this far from 0 and 1."""


class Descended(NamedTuple):
    """What a descent found.

    Attributes:
        latents: for each instance the point with the least objective it has visited.
        values: objective there; infinite where it was never finite.
    """

    latents: Float[Array, "n latent"]
    values: Float[Array, "n"]


Fit = Callable[[Example, Example], Scalar]
"""`fit(image, target)`: how far an image is from its target, both in [-1, 1]."""


def squared_error(image: Example, target: Example) -> Scalar:
    """Return half the squared distance, a sum over pixels in the networks' units."""
    difference = image - target
    return 0.5 * jnp.sum(difference * difference)


def cross_entropy(image: Example, target: Example) -> Scalar:
    """Return the Bernoulli cross-entropy, a sum over pixels in nats.

    Pixels p and q of image and target, scaled to [0, 1], contribute
    −q log p − (1 − q) log(1 − p). For an image tanh(a) the derivative by 2a is p − q,
    which does not vanish where tanh saturates, as that of the squared error does.
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
    """Return the function fit(G(z), target) + ½κ‖z‖² of one code, κ the prior weight.

    With `squared_error` and Gaussian pixel noise of variance σ² in the networks' units,
    κ = σ² makes its minimum the most probable code.
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
    """Minimise the objective of each instance from its own start.

    No instance depends on another, and the best point is returned, not the last one.

    Args:
        generate: from a batch of latents to images.
        latents: one start for each instance.
        targets: one for each instance, in [-1, 1].
        optimizer: any of optax, also L-BFGS with its line search.
        num_steps: steps of the optimiser, with one gradient each, not counting those
            of a line search.
        fit: how an image is compared with its target.
        prior_weight: κ of an additional ½κ‖z‖².

    Raises:
        ValueError: if there is not one target for each start, or they are not
            floating-point numbers.
    """
    latents = jnp.asarray(arguments.floats("latents", latents, ("n", "latent")))
    shape = (len(latents), *jnp.shape(targets)[1:])
    targets = jnp.asarray(arguments.floats("targets", targets, shape))
    optimizer = optax.with_extra_args_support(optimizer)

    def one(start: Latent, target: Example) -> tuple[Array, Array]:
        value = objective(generate, target, fit=fit, prior_weight=prior_weight)
        value_and_grad = jax.value_and_grad(value)

        def body(carry, _):
            latent, state, best, least = carry
            now, gradient = value_and_grad(latent)
            better = now < least  # False for NaN
            best, least = optax.tree.where(better, (latent, now), (best, least))
            change, state = optimizer.update(
                gradient, state, latent, value=now, grad=gradient, value_fn=value
            )
            return (latent + jnp.asarray(change), state, best, least), None

        carry = (start, optimizer.init(start), start, jnp.inf)
        (latent, _, best, least), _ = jax.lax.scan(body, carry, length=num_steps)
        last = value(latent)
        return optax.tree.where(last < least, (latent, last), (best, least))

    return Descended(*jax.vmap(one)(latents, targets))
