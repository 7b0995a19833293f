"""A finished generator: one record of all that the engines must know of it.

The network of a finished generator is given as its *logits*: a pure function of
weights, latents, and of what it does at its kinks. A generator with leaky ReLUs calls
that third argument in place of each leaky ReLU. So the same network can be evaluated
with its kinks, with rounded corners, or with each unit kept on a chosen side, whatever
it is built of.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple, TypeAlias, TypeVar

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxgan.types import Examples, Latent, Latents, Params, PRNGKey

T = TypeVar("T")

Kink: TypeAlias = Callable[[Array], Array]
"""What a network does to the pre-activations of a layer."""


class Output(NamedTuple):
    """The last activation, smooth, which acts on each pixel alone.

    Attributes:
        function: from logits to pixels.
        low: the least value of a pixel.
        high: the greatest value of a pixel.
        third: `third(u)` bounds the third derivative of ½(function(v) − x)² by v for
            all |v| ≥ u ≥ 0 and all x from `low` to `high`. Certificates need it.
    """

    function: Callable[[Array], Array]
    low: float
    high: float
    third: Callable[[Array], Array]


def _bound_of_tanh(logits: Array) -> Array:
    """Bound (1 − t²)(12t³ − 8t − 6xt² + 2x), t = tanh: the last factor is at most 8."""
    return 8 * (1 - jnp.tanh(logits) ** 2)


def _bound_of_sigmoid(logits: Array) -> Array:
    """Bound that of (tanh(u/2) + 1)/2, a quarter of the error in half of the logit."""
    return _bound_of_tanh(logits / 2) / 32


TANH = Output(jnp.tanh, -1.0, 1.0, _bound_of_tanh)
"""The output of this library's own generators."""
SIGMOID = Output(jax.nn.sigmoid, 0.0, 1.0, _bound_of_sigmoid)
"""The output of generators with pixels in [0, 1]."""


def linear(low: float, high: float) -> Output:
    """Return the output of a generator whose logits are its pixels.

    Args:
        low: the value of a black pixel.
        high: the value of a white pixel.
    """
    return Output(_identity, low, high, jnp.zeros_like)


def _identity(logits: Array) -> Array:
    return logits


SMOOTH = 1.0
"""The slope of a network that is smooth: on both sides of a kink it would be 1."""


def standard_normal(key: PRNGKey, shape: tuple[int, ...]) -> Float[Array, "*shape"]:
    """Draw latents from the prior that most generators have, in single precision."""
    return jax.random.normal(key, shape, jnp.float32)


def _undeclared(units: Array) -> Array:
    raise ValueError(
        "the network calls the function for kinks, and declares no slope: its slope "
        "is None"
    )


class FinishedNetwork(NamedTuple):
    """A generator without its weights; hashable.

    Attributes:
        logits: `logits(params, latents, kink)`, in the precision of its arguments; a
            row depends on its own latent only.
        latent_dim: number of latent dimensions.
        output: the last activation, which makes images of logits.
        slope: slope of its leaky ReLUs for negative inputs, 0 for ReLUs; `SMOOTH` if
            the network has no kinks and does not call `kink`; None if it has other
            kinks, and does not call it either.
        draw: `draw(key, shape)` draws latents from the prior, along the last axis.
    """

    logits: Callable[[Params, Latents, Kink], Examples]
    latent_dim: int
    output: Output = TANH
    slope: float | None = 0.2
    draw: Callable[[PRNGKey, tuple[int, ...]], Array] = standard_normal

    def apply(self, params: Params, latents: Latents) -> Examples:
        """Return the images of latents."""
        return self.output.function(self.logits(params, latents, self.kink))

    @property
    def kink(self) -> Kink:
        """The leaky ReLU of the network; calling it is an error if none is declared."""
        if self.slope is None:
            return _undeclared
        return partial(jax.nn.leaky_relu, negative_slope=self.slope)


def in_precision(dtype: Any, tree: T) -> T:
    """Return a tree with its floating-point numbers in another precision."""

    def cast(leaf: Any) -> Any:
        floating = jnp.issubdtype(jnp.result_type(leaf), jnp.floating)
        return jnp.asarray(leaf, dtype) if floating else leaf

    return jax.tree.map(cast, tree)


@partial(
    jax.tree_util.register_dataclass, data_fields=["params"], meta_fields=["network"]
)
@dataclass(frozen=True, repr=False)
class FinishedGenerator:
    """A finished generator: a network and its weights.

    It is a pytree of its weights, so that a compiled program takes it as an argument,
    serves all weights of a network, and differentiates by them.

    Attributes:
        network: the generator without its weights.
        params: the weights, a pytree of arrays.
    """

    network: FinishedNetwork
    params: Params

    def __repr__(self) -> str:
        """Return a line that has the size of the weights, not their values."""
        sizes = [getattr(leaf, "size", 1) for leaf in jax.tree.leaves(self.params)]
        return f"FinishedGenerator({self.network!r}, {sum(sizes):,} weights)"

    @property
    def latent_dim(self) -> int:
        """The number of latent dimensions."""
        return self.network.latent_dim

    @property
    def image_shape(self) -> tuple[int, ...]:
        """The shape of one image; finding it out computes none."""
        latents = jax.ShapeDtypeStruct((1, self.latent_dim), jnp.float32)
        return jax.eval_shape(_generate, self, latents).shape[1:]

    def generate(self, latents: Latents) -> Examples:
        """Return the images of latents, computed in the precision of the latents.

        Raises:
            ValueError: if the latents are not floating-point numbers `[n, latent_dim]`.
        """
        latents = jnp.asarray(latents)
        floating = jnp.issubdtype(latents.dtype, jnp.floating)
        if latents.ndim != 2 or latents.shape[1] != self.latent_dim or not floating:
            raise ValueError(
                f"expected latents [n, {self.latent_dim}] of floating-point numbers, "
                f"got {latents.dtype} {list(latents.shape)}"
            )
        return self.network.apply(self.as_type(latents.dtype).params, latents)

    def as_type(self, dtype: Any) -> "FinishedGenerator":
        """Return the generator with its weights in another precision.

        Leaves that are not floating-point numbers stay as they are.

        Raises:
            ValueError: if it is not a precision of floating-point numbers.
        """
        if not jnp.issubdtype(dtype, jnp.floating):
            raise ValueError(f"expected a floating-point precision, got {dtype}")
        return in_precision(dtype, self)

    def draw(self, key: PRNGKey) -> Latent:
        """Draw a latent from the prior."""
        return self.network.draw(key, (self.latent_dim,))

    def mean_squared_error(
        self, squares: Float[Array, "*batch"], pixels: int
    ) -> Float[Array, "*batch"]:
        """Return the mean squared error per pixel, for pixels in [0, 1].

        Args:
            squares: sums of the squared errors of all pixels, in the generator's units.
            pixels: number of pixels.
        """
        output = self.network.output
        return squares / (pixels * (output.high - output.low) ** 2)


_generate = jax.jit(FinishedGenerator.generate)
"""Traced once for all weights of a network."""
