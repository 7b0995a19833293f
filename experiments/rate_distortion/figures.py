"""Figures of a sweep: the rate-distortion plane, reconstructions and samples."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator, StrMethodFormatter

from experiments.rate_distortion import frontiers
from experiments.rate_distortion.frontiers import Curve, Dominance, Gaps
from experiments.reporting.codes import COLOURS, TITLES


class Limits(NamedTuple):
    """What bounds rates and distortions, in nats.

    Attributes:
        distortion_at_zero: of the best decoder at rate 0, the limit β → ∞.
        ceiling: log of the number of training images; no code can carry more
            information about which of them was encoded.
        floor: least rate of Echo codes.
    """

    distortion_at_zero: float
    ceiling: float
    floor: float


def plane(
    curves: Mapping[str, Curve], betas: Mapping[str, Sequence[float]], limits: Limits
) -> Figure:
    """Draw the frontiers of both kinds of codes.

    Left all models, and the limits; right the models with the least −ELBO.

    Args:
        curves: by kind of code; a kind without any is left out.
        betas: of the models of each curve.
        limits: what bounds them.
    """
    curves = {kind: curve for kind, curve in curves.items() if len(curve.rates)}
    figure = Figure(figsize=(11, 4.8), layout="constrained")
    whole, near = figure.subplots(1, 2)
    for axes in (whole, near):
        for kind, curve in curves.items():
            _frontier(axes, kind, curve)
        axes.set(xlabel="rate R (nats)", ylabel="distortion D (nats, sum over pixels)")
        axes.grid(alpha=0.3)
    whole.axhline(
        limits.distortion_at_zero,
        color="tab:gray",
        linestyle=":",
        label="mean image: β → ∞",
    )
    whole.axvline(limits.floor, color="tab:orange", linestyle=":", label="Echo's floor")
    whole.axvline(
        limits.ceiling, color="black", linestyle="--", label="log N, training images"
    )
    rates = np.concatenate([c.rates.mean(2).ravel() for c in curves.values()])
    whole.set(xlim=(-0.02 * rates.max(), 1.03 * rates.max()), ylim=(0, None))
    for kind, curve in curves.items():
        _name_betas(whole, kind, curve, betas[kind])
    _iso_elbo(whole)
    whole.legend(loc="center right", fontsize=8, edgecolor="none")
    _zoom(near, curves)
    _iso_elbo(near)
    figure.suptitle(
        "dots: one seed each, numbers: their β; lines: convex hulls of the means; "
        "bands: from seed to seed; dashes: equal D + R",
        fontsize="medium",
    )
    return figure


def _frontier(axes: Axes, kind: str, curve: Curve) -> None:
    rates, distortions = curve.rates.mean(2), curve.distortions.mean(2)
    colour = COLOURS[kind]
    axes.plot(rates, distortions, ".", color=colour, alpha=0.5, markersize=5)
    corners = frontiers.hull(rates.mean(1), distortions.mean(1))
    axes.plot(*corners, color=colour, linewidth=1.4, label=TITLES[kind])
    grid = np.linspace(rates.min(0).max(), rates.max(0).min(), 100)
    each = [
        frontiers.distortion_at(r, d, grid)
        for r, d in zip(rates.T, distortions.T, strict=True)
    ]
    axes.fill_between(
        grid, np.min(each, 0), np.max(each, 0), color=colour, alpha=0.25, linewidth=0
    )


def _name_betas(axes: Axes, kind: str, curve: Curve, betas: Sequence[float]) -> None:
    points = zip(curve.rates.mean((1, 2)), curve.distortions.mean((1, 2)), strict=True)
    above = kind == "echo"
    named = np.inf
    for beta, point in zip(betas, points, strict=True):
        if abs(point[0] - named) < 0.02 * axes.get_xlim()[1]:
            continue
        named = point[0]
        axes.annotate(
            f"{beta:g}",
            point,
            xytext=(3, 4) if above else (-3, -4),
            textcoords="offset points",
            ha="left" if above else "right",
            va="bottom" if above else "top",
            fontsize=7,
            color=COLOURS[kind],
        )


def _zoom(axes: Axes, curves: Mapping[str, Curve]) -> None:
    """Set the limits of the axes around points with −ELBO within 25 % of the least."""
    points = [
        np.stack([c.rates.mean(2).ravel(), c.distortions.mean(2).ravel()])
        for c in curves.values()
    ]
    rates, distortions = np.concatenate(points, 1)
    totals = rates + distortions
    good = totals <= 1.25 * totals.min()
    pad_r = 0.08 * np.ptp(rates[good]) + 1
    pad_d = 0.08 * np.ptp(distortions[good]) + 1
    axes.set(
        xlim=(rates[good].min() - pad_r, rates[good].max() + pad_r),
        ylim=(distortions[good].min() - pad_d, distortions[good].max() + pad_d),
    )


def _iso_elbo(axes: Axes) -> None:
    (left, right), (bottom, top) = axes.get_xlim(), axes.get_ylim()
    step = max(5.0, 5 * round((right + top - left - bottom) / 10 / 5))
    for total in np.arange(step * np.ceil((left + bottom) / step), right + top, step):
        axes.plot(
            [left, right],
            [total - left, total - right],
            color="tab:gray",
            alpha=0.35,
            linewidth=0.7,
            linestyle=(0, (6, 4)),
            zorder=0,
        )
    axes.set(xlim=(left, right), ylim=(bottom, top))


def gaps(
    betas: Float[np.ndarray, "betas"], at_equal_beta: Gaps, at_equal_rate: Dominance
) -> Figure:
    """Draw what Echo saves, with intervals of 95 %: at equal β, and at equal rate.

    Args:
        betas: of the left panel.
        at_equal_beta: D + βR of Echo minus that of the β-VAE, at these.
        at_equal_rate: D of the β-VAE's convex hull minus that of Echo's.
    """
    figure = Figure(figsize=(10, 3.6), layout="constrained")
    left, right = figure.subplots(1, 2)
    saved = -at_equal_beta.gaps
    bars = np.stack([saved + at_equal_beta.high, -at_equal_beta.low - saved])
    colour = COLOURS["echo"]
    left.errorbar(betas, saved, yerr=bars, fmt="o", color=colour, capsize=2)
    left.set(xscale="log", xlabel="β", ylabel="D + βR saved by Echo (nats)")
    left.set(title="models with the same β")
    left.set_xticks(betas, [f"{beta:g}" for beta in betas], minor=False)
    left.xaxis.set_minor_locator(NullLocator())
    of = at_equal_rate
    right.fill_between(of.rates, of.low, of.high, color=colour, alpha=0.3, linewidth=0)
    right.plot(of.rates, of.gaps, color=colour)
    right.set(xlabel="rate (nats)", ylabel="distortion saved by Echo (nats)")
    right.set(title="convex hulls at the same rate")
    for axes in (left, right):
        axes.axhline(0, color="black", linewidth=0.8)
        axes.set_yscale("symlog", linthresh=1)
        axes.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
        axes.grid(alpha=0.3)
    return figure


def pictures(
    first_row: Float[np.ndarray, "shown 28 28"] | None,
    images: Mapping[str, Float[np.ndarray, "betas shown 28 28"]],
    betas: Sequence[float],
) -> Figure:
    """Draw images of both kinds of codes side by side, one row for each β.

    Args:
        first_row: drawn above the others: the images that are reconstructed.
        images: by kind of code, of one seed, in [0, 1].
        betas: of the rows.
    """
    rows = len(betas) + (first_row is not None)
    figure = Figure(figsize=(11, 0.35 + 0.49 * rows), layout="constrained")
    panels = figure.subplots(1, len(images), squeeze=False)[0]
    for axes, (kind, of_kind) in zip(panels, images.items(), strict=True):
        shown = (
            of_kind if first_row is None else np.concatenate([first_row[None], of_kind])
        )
        strips = np.concatenate([np.concatenate(list(row), 1) for row in shown], 0)
        axes.imshow(strips, cmap="gray", vmin=0, vmax=1, interpolation="nearest")
        names = ["image"] if first_row is not None else []
        names += [f"β = {beta:g}" for beta in betas]
        axes.set_yticks(28 * np.arange(rows) + 14, names, fontsize=7)
        axes.set_xticks([])
        axes.tick_params(length=0)
        axes.set_title(TITLES[kind], fontsize=9)
        axes.spines[:].set_visible(False)
    return figure
