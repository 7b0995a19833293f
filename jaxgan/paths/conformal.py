"""Conformally flat metrics λ(z) I on a latent space: what a path between codes costs.

For two images the exercise's metric is λ(z) = ‖G(z) − x_a‖² + ‖G(z) − x_b‖², which is
2‖G(z) − m‖² + ½D² with the average m and the distance D of the two. All is in the units
of `generate`: let it give pixels in [0, 1], and so will the energies be.
"""

from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxgan.types import Example, Examples, Latent, Latents, Scalar

Metric: TypeAlias = Callable[[Latents], Float[Array, "batch"]]
"""Any pure λ, on a batch of latents; positive."""

Matrix: TypeAlias = Float[Array, "latent latent"]


class MetricFamily(NamedTuple):
    """One metric for each of many pairs of codes.

    Attributes:
        at: `at(item)` is the metric of a pair; the item is a tree of arrays that says
            which one, or None if there is only one.
        curvature: `curvature(item, latents)` approximates the mean Hessian of λ over
            some latents by a positive semidefinite matrix; None if nothing is known.
    """

    at: Callable[[Any], Metric]
    curvature: Callable[[Any, Latents], Matrix] | None = None


def common(metric: Metric) -> MetricFamily:
    """Use one metric for all pairs; items are None."""
    return MetricFamily(lambda item: metric)


def between_images(generate: Callable[[Latents], Examples]) -> MetricFamily:
    """Make the metrics of pairs of images; an item is such a pair.

    The curvature is that of Gauss and Newton, 4 JᵀJ: for a network of leaky ReLUs the
    rest is in tanh and in kinks. Few of its eigenvalues are large.

    Args:
        generate: from latents to images, a pure function.
    """

    def at(item: tuple[Example, Example]) -> Metric:
        return image_metric(generate, *item)

    def curvature(item: tuple[Example, Example], latents: Latents) -> Matrix:
        def one(latent: Latent) -> Array:
            jacobian = jax.jacfwd(lambda z: generate(z[None]).reshape(-1))(latent)
            return 4 * jacobian.T @ jacobian

        return jnp.mean(jax.vmap(one)(latents), 0)

    return MetricFamily(at, curvature)


def image_metric(
    generate: Callable[[Latents], Examples],
    image_a: Example,
    image_b: Float[Array, "*other_shape"],
) -> Metric:
    """Make λ(z) = ‖G(z) − x_a‖² + ‖G(z) − x_b‖², sums over pixels.

    Raises:
        ValueError: if the two images have different shapes.
    """
    if image_a.shape != image_b.shape:
        raise ValueError(
            f"expected two images of one shape, got {image_a.shape} and {image_b.shape}"
        )
    middle = (image_a + image_b).reshape(1, -1) / 2
    least = least_value(image_a, image_b)

    def metric(latents: Latents) -> Float[Array, "batch"]:
        gap = generate(latents).reshape(len(latents), -1) - middle
        return 2 * jnp.sum(gap * gap, 1) + least

    return metric


def least_value(image_a: Example, image_b: Example) -> Scalar:
    """Give ½D², below which λ of two images is nowhere, whatever the generator."""
    difference = image_a - image_b
    return 0.5 * jnp.sum(difference * difference)


def value_and_gradient(
    metric: Metric, latents: Latents
) -> tuple[Float[Array, "batch"], Latents]:
    """Evaluate λ and ∇λ with one vector-Jacobian product."""
    values, pull = jax.vjp(metric, latents)
    return values, pull(jnp.ones_like(values))[0]


def energy_bound(
    value_a: Scalar, value_b: Scalar, least: Scalar, distance: Scalar, slope: Scalar
) -> Scalar:
    """Bound the energy of every path between two codes from below.

    √λ falls from each end no faster than its Lipschitz constant lets it, down to its
    least value; and half the distance has to be gone from each end. The square of the
    length that this leaves is the bound, and at least `least · distance²`.

    Args:
        value_a: λ at one code.
        value_b: λ at the other.
        least: of λ anywhere.
        distance: of the two codes.
        slope: a Lipschitz constant of √λ; √2 times that of G for the metric of two
            images; infinite if none is known.
    """

    def half(value: Scalar) -> Scalar:
        excess = jnp.sqrt(value) - jnp.sqrt(least)
        reach = jnp.minimum(excess / slope, distance / 2)
        saved = jnp.where(reach > 0, reach * (excess - slope * reach / 2), 0.0)
        return jnp.sqrt(least) * distance / 2 + saved

    return (half(value_a) + half(value_b)) ** 2
