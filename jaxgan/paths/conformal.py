"""Conformally flat metrics λ(z) I on a latent space: what a path between codes costs.

The metric that belongs to two images x_a and x_b is
λ(z) = ‖G(z) − x_a‖² + ‖G(z) − x_b‖² = 2‖G(z) − m‖² + ½D², with their average m and
their distance D. Its units are those of `generate`: energies are on the scale of pixels
in [0, 1] if `generate` returns such pixels.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, TypeAlias

import jax
import jax.numpy as jnp
from jax.tree_util import Partial
from jaxtyping import Array, Float

from jaxgan.networks import SMOOTH, FinishedGenerator, arguments, round_corners
from jaxgan.networks.finished import in_precision
from jaxgan.types import Example, Examples, Latent, Latents, Scalar

Metric: TypeAlias = Callable[[Latents], Float[Array, "batch"]]
"""A pure function that returns λ > 0 for each latent of a batch."""

Matrix: TypeAlias = Float[Array, "latent latent"]
"""A linear map of latent space."""

CORNER_WIDTH = 0.1
"""Width of the rounded corners on coarse levels, in the units of pre-activations."""


@partial(
    jax.tree_util.register_dataclass,
    data_fields=["data"],
    meta_fields=["metric", "hessian", "smoothing"],
)
@dataclass(frozen=True)
class MetricFamily:
    """A family of metrics, one for each pair of codes.

    An *item* is the data that determine the metric of one pair: a tree of arrays, such
    as the two images of `between_images`, or None if all pairs have the same metric.

    A family is a pytree of its data, so that a compiled program takes it as an
    argument, serves all families with the same functions, and differentiates by their
    data.

    Attributes:
        metric: `metric(data, item)` is the metric of a pair, in the precision of its
            latents.
        hessian: `hessian(data, item, latents)` is a positive semidefinite approximation
            to the mean Hessian of λ over some latents; None if none is known.
        data: what both functions depend on beside the item, such as a generator: a
            pytree of arrays.
        smoothing: `smoothing(data)` are the data of nearly the same metrics without
            kinks, by which paths are minimised on coarse levels; None if they have
            none.
    """

    metric: Callable[[Any, Any], Metric]
    hessian: Callable[[Any, Any, Latents], Matrix] | None = None
    data: Any = None
    smoothing: Callable[[Any], Any] | None = None

    def metric_of(self, item: Any) -> Metric:
        """Return the metric of a pair."""
        return self.metric(self.data, item)

    def curvature(self, item: Any, latents: Latents) -> Matrix:
        """Return the approximate mean Hessian of λ over latents; zero if none is known.

        Args:
            item: of the pair.
            latents: at least one.
        """
        if self.hessian is None:
            return jnp.zeros((latents.shape[1],) * 2, latents.dtype)
        return self.hessian(self.data, item, latents)

    def smoothed(self) -> "MetricFamily":
        """Return the family by which paths are minimised on coarse levels."""
        if self.smoothing is None:
            return self
        return replace(self, data=self.smoothing(self.data), smoothing=None)

    def as_type(self, dtype: Any) -> "MetricFamily":
        """Return the family with its data in another precision.

        Leaves that are not floating-point numbers stay as they are.
        """
        return in_precision(dtype, self)


def common(metric: Metric) -> MetricFamily:
    """Return the family in which all pairs have one metric; its items are None.

    Args:
        metric: a pure function. If it depends on arrays that change, give it as a
            `jax.tree_util.Partial` of a function and these arrays: they are the data.
    """
    data = metric if isinstance(metric, Partial) else Partial(metric)
    return MetricFamily(_the_data, data=data)


def _the_data(data: Any, item: None) -> Any:
    del item
    return data


def between_images(generator: FinishedGenerator) -> MetricFamily:
    """Return the metrics of pairs of images; an item is such a pair.

    The curvature is the Gauss-Newton approximation 4 JᵀJ, J the Jacobian of the
    generator G. For a network of leaky ReLUs it leaves out only the curvature of its
    output and the kinks. Few of its eigenvalues are large. Where the generator declares
    its kinks, coarse levels are minimised with rounded corners (`round_corners`).

    Args:
        generator: G, the data of the family. Images are in its units.

    Raises:
        ValueError: if it is no `networks.FinishedGenerator`.
    """
    arguments.require_generator(generator)
    return MetricFamily(_between, _gauss_newton, generator, _without_kinks)


def _between(generator: FinishedGenerator, item: tuple[Example, Example]) -> Metric:
    return image_metric(generator.generate, *item)


def _without_kinks(generator: FinishedGenerator) -> FinishedGenerator:
    if generator.network.slope in (None, SMOOTH):
        return generator
    return round_corners(generator, CORNER_WIDTH)


def _gauss_newton(
    generator: FinishedGenerator, item: tuple[Example, Example], latents: Latents
) -> Matrix:
    del item

    def one(latent: Latent) -> Array:
        def flat(z: Latent) -> Array:
            return generator.generate(z[None]).reshape(-1)

        jacobian = jax.jacfwd(flat)(latent)
        return 4 * jacobian.T @ jacobian

    return jnp.mean(jax.vmap(one)(latents), 0)


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
        ValueError: if the two images have different shapes, or are not floating-point
            numbers.
    """
    for name, image in (("image_a", image_a), ("image_b", image_b)):
        if not jnp.issubdtype(jnp.result_type(image), jnp.floating):
            raise ValueError(
                f"expected {name} of floating-point numbers, got "
                f"{jnp.result_type(image)}"
            )
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
