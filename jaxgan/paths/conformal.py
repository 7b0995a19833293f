"""Conformally flat metrics λ(z) I on a latent space: what a path between codes costs.

The metric that belongs to two images x_a and x_b is
λ(z) = ‖G(z) − x_a‖² + ‖G(z) − x_b‖² = 2‖G(z) − m‖² + ½D², with their average m and
their distance D. Its units are those of `generate`: energies are on the scale of pixels
in [0, 1] if `generate` returns such pixels.
"""

from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxgan.types import Example, Examples, Latent, Latents, Scalar

Metric: TypeAlias = Callable[[Latents], Float[Array, "batch"]]
"""A pure function that returns λ > 0 for each latent of a batch."""

Matrix: TypeAlias = Float[Array, "latent latent"]
"""A linear map of latent space."""


class MetricFamily(NamedTuple):
    """A family of metrics, one for each pair of codes.

    An *item* is the data that determine the metric of one pair: a tree of arrays, such
    as the two images of `between_images`, or None if all pairs have the same metric.

    Attributes:
        metric_of: `metric_of(item)` is the metric of a pair.
        curvature: `curvature(item, latents)` is a positive semidefinite approximation
            to the mean Hessian of λ over some latents; None if none is known.
    """

    metric_of: Callable[[Any], Metric]
    curvature: Callable[[Any, Latents], Matrix] | None = None


def common(metric: Metric) -> MetricFamily:
    """Return the family in which all pairs have one metric; its items are None."""
    return MetricFamily(lambda item: metric)


def between_images(generate: Callable[[Latents], Examples]) -> MetricFamily:
    """Return the metrics of pairs of images; an item is such a pair.

    The curvature is the Gauss-Newton approximation 4 JᵀJ, J the Jacobian of `generate`.
    For a network of leaky ReLUs it leaves out only the curvature of tanh and the kinks.
    Few of its eigenvalues are large.

    Args:
        generate: from latents to images, a pure function.
    """

    def metric_of(item: tuple[Example, Example]) -> Metric:
        return image_metric(generate, *item)

    def curvature(item: tuple[Example, Example], latents: Latents) -> Matrix:
        def one(latent: Latent) -> Array:
            jacobian = jax.jacfwd(lambda z: generate(z[None]).reshape(-1))(latent)
            return 4 * jacobian.T @ jacobian

        return jnp.mean(jax.vmap(one)(latents), 0)

    return MetricFamily(metric_of, curvature)


def image_metric(
    generate: Callable[[Latents], Examples],
    image_a: Example,
    image_b: Float[Array, "*other_shape"],
) -> Metric:
    """Return the metric λ(z) = ‖G(z) − x_a‖² + ‖G(z) − x_b‖², sums over pixels.

    Args:
        generate: G, from latents to images.
        image_a: x_a, in the units of `generate`.
        image_b: x_b, likewise.

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
    """Return ½D², the least value of λ for two images and any generator."""
    difference = image_a - image_b
    return 0.5 * jnp.sum(difference * difference)


def value_and_gradient(
    metric: Metric, latents: Latents
) -> tuple[Float[Array, "batch"], Latents]:
    """Return λ and ∇λ, from one vector-Jacobian product."""
    values, pull = jax.vjp(metric, latents)
    return values, pull(jnp.ones_like(values))[0]


def energy_bound(
    value_a: Scalar, value_b: Scalar, least: Scalar, distance: Scalar, slope: Scalar
) -> Scalar:
    """Return a lower bound of the energy of every path between two codes.

    From each end √λ falls at most as fast as its Lipschitz constant allows, down to its
    least value, and each half of the path is at least half of the distance long. The
    bound is the square of the length that follows; at least `least` · `distance`².

    Args:
        value_a: λ at one code.
        value_b: λ at the other code.
        least: lower bound of λ everywhere.
        distance: Euclidean distance of the two codes.
        slope: a Lipschitz constant of √λ. For the metric of two images it is √2 times
            that of G; infinite if none is known.
    """

    def half(value: Scalar) -> Scalar:
        excess = jnp.sqrt(value) - jnp.sqrt(least)
        reach = jnp.minimum(excess / slope, distance / 2)
        saved = jnp.where(reach > 0, reach * (excess - slope * reach / 2), 0.0)
        return jnp.sqrt(least) * distance / 2 + saved

    return (half(value_a) + half(value_b)) ** 2
