"""The figure of linear autoencoders beside the rate-distortion curve."""

from collections.abc import Mapping

from matplotlib.figure import Figure

from experiments.reporting.codes import COLOURS, TITLES
from experiments.shannon.linear_codes import Tradeoff


def plane(curve: Tradeoff, models: Mapping[str, Tradeoff]) -> Figure:
    """Draw the least rate at every squared error, and what models reach.

    Args:
        curve: points of the curve R(D).
        models: by kind of code, `gaussian` and `echo`.
    """
    figure = Figure(figsize=(5.5, 4), layout="constrained")
    axes = figure.subplots()
    axes.plot(
        curve.errors,
        curve.rates,
        color="black",
        linewidth=1,
        label="R(D), reverse water-filling",
    )
    for (kind, reached), marker in zip(models.items(), "x+", strict=True):
        axes.plot(
            reached.errors,
            reached.rates,
            marker,
            color=COLOURS[kind],
            markersize=9,
            label=TITLES[kind],
        )
    axes.set(xlabel="squared error", ylabel="rate (nats)", xscale="log")
    axes.grid(alpha=0.3)
    axes.legend(frameon=False)
    return figure
