"""The directions in which a code changes its image most, and least."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxgan.networks import arguments
from jaxgan.networks.finished import FinishedGenerator
from jaxgan.types import Latent, Scalar


class SingularDirections(NamedTuple):
    """The singular value decomposition of a generator's Jacobian at a code.

    Attributes:
        values: singular values, descending: how far the image moves for a unit step of
            the code along each direction, as Euclidean distance over all pixels in the
            generator's units.
        directions: the right singular vectors, of length 1 and orthogonal, as rows. The
            component of each with the largest magnitude is positive.
    """

    values: Float[Array, "directions"]
    directions: Float[Array, "directions latent"]

    @property
    def condition(self) -> Scalar:
        """The condition number: the largest singular value over the least."""
        return self.values[0] / self.values[-1]


def singular_directions(
    generator: FinishedGenerator, latent: Latent
) -> SingularDirections:
    """Return the directions in which a code changes its image, and by how much.

    It is computed in the precision of the code. At a kink of the generator it is the
    decomposition of one of the Jacobians around it.

    Args:
        generator: the generator.
        latent: the code.

    Raises:
        ValueError: if the latent is not a code of the generator.
    """
    latent = jnp.asarray(arguments.codes("latent", latent, generator))

    def image(code: Latent) -> Float[Array, "pixels"]:
        return generator.generate(code[None]).reshape(-1)

    jacobian = jax.jacfwd(image)(latent)
    _, values, rows = jnp.linalg.svd(jacobian, full_matrices=False)
    largest = jnp.take_along_axis(rows, jnp.abs(rows).argmax(1)[:, None], 1)
    return SingularDirections(values, rows * jnp.sign(largest))
