"""The latent plane of a generator with two latent dimensions: λ on a grid.

The lengths of paths are checked there by the fast marching method, which computes the
length of the shortest path of all. Its error vanishes with the step of the grid, unlike
that of shortest paths along the edges of a grid.
"""

import importlib.util
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float
from matplotlib.figure import Figure

from experiments.path.pairs import Pairs
from jaxgan import paths
from jaxgan.types import Examples, Latents

SIZE = 801
"""Points of the grid along each axis."""
MARGIN = 0.75
"""Distance from the outermost path to the border of the grid."""
SHOWN = 4
"""Pairs in the figure."""


class MetricGrid(NamedTuple):
    """The metric λ of every pair on a grid.

    Attributes:
        axis_x: values of the first latent coordinate.
        axis_y: values of the second one.
        values: λ, indexed by the first coordinate, then by the second.
        lengths: least length between the two codes, by fast marching; NaN without
            scikit-fmm.
    """

    axis_x: Float[np.ndarray, "x"]
    axis_y: Float[np.ndarray, "y"]
    values: Float[np.ndarray, "pairs x y"]
    lengths: Float[np.ndarray, "pairs"]


def metric_grid(
    generate: Callable[[Latents], Examples],
    pairs: Pairs,
    found: Float[np.ndarray, "pairs knots 2"],
    size: int = SIZE,
) -> MetricGrid:
    """Return λ around all paths, and the lengths of the shortest paths.

    Args:
        generate: from codes to images in [0, 1].
        pairs: codes and images of the ends.
        found: the paths.
        size: points of the grid along each axis.
    """
    low, high = found.min((0, 1)) - MARGIN, found.max((0, 1)) + MARGIN
    axis_x, axis_y = np.linspace(low, high, size).T
    values = _values(generate, pairs, axis_x, axis_y)
    if importlib.util.find_spec("skfmm") is None:
        print(
            "scikit-fmm is not installed (it is in the extra `test`): lengths are not "
            "checked"
        )
        lengths = np.full(len(values), np.nan)
    else:
        lengths = np.array(
            [
                marched_length(axis_x, axis_y, value, a, b)
                for value, a, b in zip(
                    values, pairs.codes_a, pairs.codes_b, strict=True
                )
            ]
        )
    return MetricGrid(axis_x, axis_y, values, lengths)


def _values(
    generate: Callable[[Latents], Examples],
    pairs: Pairs,
    axis_x: np.ndarray,
    axis_y: np.ndarray,
) -> np.ndarray:
    """Return λ = 2‖G − m‖² + ½D² of all pairs: one evaluation of G at each point.

    m is the average of the two images of a pair, and D their distance.
    """
    count = len(pairs.codes_a)
    ends = pairs.images_a.reshape(count, -1), pairs.images_b.reshape(count, -1)
    middles = (ends[0] + ends[1]) / 2
    least = np.sum((ends[0] - ends[1]) ** 2, 1) / 2

    @jax.jit
    def row(x):
        points = jnp.stack([jnp.full_like(axis_y, x), jnp.asarray(axis_y)], 1)
        images = generate(points.astype(jnp.float32)).reshape(len(axis_y), -1)

        def one(pair):
            middle, floor = pair
            gap = images - middle[None]
            return 2 * jnp.sum(gap * gap, 1) + floor

        return jax.lax.map(one, (jnp.asarray(middles), jnp.asarray(least)))

    return np.stack([np.asarray(row(x)) for x in axis_x], 1)


def marched_length(
    axis_x: np.ndarray,
    axis_y: np.ndarray,
    values: Float[np.ndarray, "x y"],
    start: Float[np.ndarray, "2"],
    end: Float[np.ndarray, "2"],
) -> float:
    """Return the least length between two points, by fast marching of second order.

    The front begins on a small circle around the start, inside which λ is taken to be
    constant.
    """
    import skfmm
    from scipy.interpolate import RegularGridInterpolator

    steps = axis_x[1] - axis_x[0], axis_y[1] - axis_y[0]
    radius = 4 * max(steps)
    x, y = np.meshgrid(axis_x - start[0], axis_y - start[1], indexing="ij")
    outside = np.hypot(x, y) - radius
    times = skfmm.travel_time(outside, 1 / np.sqrt(values), dx=list(steps))  # pyright: ignore[reportArgumentType]
    here = RegularGridInterpolator((axis_x, axis_y), values)(start)[0]
    reached = RegularGridInterpolator((axis_x, axis_y), np.ma.filled(times, np.nan))
    return float(reached(end)[0] + radius * np.sqrt(here))


def summary(
    grid: MetricGrid, polygon_energies: Float[np.ndarray, "pairs"]
) -> dict[str, Any]:
    """Return the relative excess of the paths' lengths over those by fast marching."""
    excess = np.sqrt(polygon_energies) / grid.lengths - 1
    known = excess[np.isfinite(excess)]
    return {
        "referee_pairs": len(known),
        "referee_median": float(np.median(known)) if len(known) else None,
        "referee_worst": float(known[np.abs(known).argmax()]) if len(known) else None,
        "referee_within_half_percent_fraction": (
            float((np.abs(known) <= 0.005).mean()) if len(known) else None
        ),
    }


def draw(
    grid: MetricGrid, pairs: Pairs, found: Float[np.ndarray, "pairs knots 2"]
) -> Figure:
    """Draw log λ for the pairs farthest apart, with line, slerp and minimiser."""
    count = min(SHOWN, len(found))
    figure = Figure(figsize=(3.4 * count, 3.6), layout="constrained")
    panels = figure.subplots(1, count, squeeze=False)[0]
    extent = (*grid.axis_x[[0, -1]], *grid.axis_y[[0, -1]])
    distances = np.linalg.norm(pairs.codes_a - pairs.codes_b, axis=1)
    longest = np.argsort(-distances)[:count]
    shades = np.log10(grid.values[longest])
    drawn = []
    for number, axes in zip(longest, panels, strict=True):
        image = axes.imshow(
            np.log10(grid.values[number].T), origin="lower", extent=extent,
            cmap="viridis", aspect="equal", vmin=shades.min(), vmax=shades.max(),
        )  # fmt: skip
        a, b = jnp.asarray(pairs.codes_a[number]), jnp.asarray(pairs.codes_b[number])
        for knots, style, label in (
            (paths.line(a, b, 64), "w--", "line"),
            (paths.slerp(a, b, 64), "w:", "slerp"),
            (found[number], "r-", "minimiser"),
        ):
            axes.plot(*np.asarray(knots).T, style, linewidth=1.5, label=label)
        axes.plot(*np.stack([a, b]).T, "wo", markersize=4)
        drawn.append(image)
        axes.set(xlabel="first coordinate of z")
    panels[0].set_ylabel("second coordinate of z")
    figure.colorbar(drawn[0], ax=list(panels), shrink=0.8, label="log₁₀ λ")
    panels[0].legend(fontsize=7, facecolor="0.4", labelcolor="white")
    return figure
