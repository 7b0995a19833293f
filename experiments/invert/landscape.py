"""The objective around the minima of one image: through the best, and to another."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Bool, Float
from matplotlib.figure import Figure

from jaxgan.networks import FinishedGenerator

POINTS = 801
REACH = 0.005
"""How far the drawn coordinate is changed: so little that a kink can be seen."""
STEP = 1e-4
"""Change of a coordinate by which its slopes on both sides are measured."""
APART = 1e-3
"""Codes farther apart than this, relative to the best one's norm, are two minima."""

Curve = Float[np.ndarray, "points"]


class Landscape(NamedTuple):
    """The objective ½‖G(z) − x‖² + ½κ‖z‖², less its value at the best minimum.

    Attributes:
        coordinate: of the code: the one along which the slope jumps most at the best
            minimum.
        across: the objective when this coordinate is changed by −REACH to REACH.
        between: the objective on the straight line from the best minimum, at 0, through
            the second-best one, at 1, from −0.2 to 1.2; None if there is no other.
    """

    coordinate: int
    across: Curve
    between: Curve | None


def landscape(
    generator: FinishedGenerator,
    target: Float[np.ndarray, "height width channels"],
    latents: Float[np.ndarray, "starts latent"],
    minima: Bool[np.ndarray, "starts"],
    prior_weight: float,
) -> Landscape | None:
    """Return the objective around the minima of one image; None if it has none.

    Args:
        generator: G.
        target: x, pixels in [-1, 1].
        latents: where the starts ended.
        minima: which of them are minima.
        prior_weight: κ.
    """
    if not minima.any():
        return None
    with jax.enable_x64(True):
        exact = generator.as_type(jnp.float64)
        wanted = jnp.asarray(target, jnp.float64)

        @jax.jit
        def one(latent):
            gap = exact.generate(latent[None])[0] - wanted
            return (jnp.sum(gap * gap) + prior_weight * jnp.sum(latent * latent)) / 2

        @jax.jit
        def objective(several):
            return jax.lax.map(one, several)

        def values(several: np.ndarray) -> np.ndarray:
            return np.asarray(objective(jnp.asarray(several, jnp.float64)))

        ends = latents[minima]
        heights = values(ends)
        best, least = ends[heights.argmin()], heights.min()
        axes = STEP * np.eye(len(best))
        jumps = values(best + axes) + values(best - axes) - 2 * least
        coordinate = int(jumps.argmax())
        change = np.linspace(-REACH, REACH, POINTS)[:, None] * axes[coordinate] / STEP
        across = values(best + change) - least
        others = np.linalg.norm(ends - best, axis=1) > APART * np.linalg.norm(best)
        if not others.any():
            return Landscape(coordinate, across, None)
        second = ends[others][heights[others].argmin()]
        shares = np.linspace(-0.2, 1.2, POINTS)[:, None]
        between = values(best + shares * (second - best)) - least
    return Landscape(coordinate, across, between)


def draw(found: Landscape) -> Figure:
    """Draw the objective through a minimum, and on the line between two minima."""
    figure = Figure(figsize=(9, 3.2), layout="constrained")
    left, right = figure.subplots(1, 2)
    left.plot(np.linspace(-REACH, REACH, POINTS), found.across, color="tab:blue")
    left.axvline(0, color="tab:red", linestyle=":", label="the best minimum")
    left.set(
        xlabel=f"change of coordinate {found.coordinate} of the code",
        ylabel="objective, above the best minimum's",
        title="through the best minimum",
    )
    if found.between is not None:
        right.plot(np.linspace(-0.2, 1.2, POINTS), found.between, color="tab:blue")
        for share, label in ((0, "the best minimum"), (1, "the second-best")):
            colour = "tab:red" if share == 0 else "tab:orange"
            right.axvline(share, color=colour, linestyle=":", label=label)
        right.legend(frameon=False, fontsize=8)
    left.locator_params(axis="x", nbins=5)
    right.set(xlabel="share of the straight line", title="between two minima")
    left.legend(frameon=False, fontsize=8)
    for axes in (left, right):
        axes.grid(alpha=0.3)
    return figure
