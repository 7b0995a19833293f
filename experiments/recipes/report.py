"""The table, the numbers and the figure of a comparison of recipes."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from experiments.recipes.race import OURS, RecipeResult
from experiments.reporting import tables
from experiments.reporting.pictures import drawing
from jaxgan.statistics import wilson

HEADER = (
    "recipe",
    "starts",
    "gradients",
    "median",
    "95 % below",
    "ours is no worse on",
)


def _is_ours(name: str) -> bool:
    return name.startswith(OURS)


def _published(found: Mapping[str, RecipeResult]) -> dict[str, RecipeResult]:
    return {name: one for name, one in found.items() if not _is_ours(name)}


def _full(found: Mapping[str, RecipeResult]) -> RecipeResult:
    """Return the result of our recipe with the whole budget."""
    return max(
        (one for name, one in found.items() if _is_ours(name)),
        key=lambda one: one.gradients,
    )


def summary(found: Mapping[str, RecipeResult]) -> dict[str, Any]:
    """Return how our recipe compares with the best of the published ones."""
    others, full = _published(found), _full(found)
    best_name = min(others, key=lambda name: float(np.median(others[name].errors)))
    best = float(np.median(others[best_name].errors))
    least = np.min([one.errors for one in others.values()], 0)
    enough = [
        one.gradients
        for name, one in found.items()
        if _is_ours(name) and np.median(one.errors) <= best
    ]
    not_worse = wilson(int(np.sum(full.errors <= least)), len(least))
    return {
        "num_images": len(least),
        "best_preset": best_name,
        "gradients_of_best_preset": float(others[best_name].gradients),
        "gradients_to_match_best_preset": min(enough, default=None),
        "no_worse_than_every_preset": not_worse.value,
        "no_worse_than_every_preset_interval": not_worse[1:],
        "mse_per_pixel_median": {
            name: float(np.median(one.errors)) for name, one in found.items()
        },
    }


def in_words(numbers: Mapping[str, Any]) -> str:
    """Return how our recipe compares, from the numbers of a summary."""
    low, high = numbers["no_worse_than_every_preset_interval"]
    enough = numbers["gradients_to_match_best_preset"]
    matched = (
        "Ours does not reach it with this budget."
        if enough is None
        else f"Ours reaches it with {enough:,.0f}."
    )
    return (
        f"Ours is no worse than every published recipe on "
        f"{numbers['no_worse_than_every_preset']:.0%} of {numbers['num_images']} "
        f"images (95 % interval {low:.0%} to {high:.0%}).\n"
        f"The published recipe with the least median error, {numbers['best_preset']}, "
        f"takes {numbers['gradients_of_best_preset']:,.0f} gradients for an image. "
        f"{matched}"
    )


def table(found: Mapping[str, RecipeResult]) -> str:
    """Return a table with a row for each recipe, in Markdown."""
    full = _full(found)

    def row(name: str, one: RecipeResult) -> list[str]:
        return [
            name,
            f"{one.starts}",
            f"{one.gradients:.0f}",
            f"{np.median(one.errors):.2e}",
            f"{np.quantile(one.errors, 0.95):.2e}",
            "" if _is_ours(name) else f"{np.mean(full.errors <= one.errors):.1%}",
        ]

    return tables.markdown(HEADER, [row(name, one) for name, one in found.items()])


def write(out: Path, found: Mapping[str, RecipeResult]) -> None:
    """Write `errors.npz`, `table.md` and `recipes.png`."""
    np.savez_compressed(
        out / "errors.npz",
        recipes=np.array(list(found)),
        errors=np.stack([one.errors for one in found.values()]),
    )
    (out / "table.md").write_text(table(found), encoding="utf-8")
    with drawing(out / "recipes.png") as path:
        _figure(found).savefig(path, dpi=150)


def _figure(found: Mapping[str, RecipeResult]) -> Figure:
    """Draw the share of images whose error is below each value."""
    figure = Figure(figsize=(6, 4), layout="constrained")
    axes = figure.subplots()
    for number, (name, one) in enumerate(found.items()):
        errors = np.sort(one.errors)
        shares = np.arange(1, len(errors) + 1) / len(errors)
        ours = _is_ours(name)
        axes.step(
            errors,
            shares,
            where="post",
            color="black" if ours else f"C{number}",
            alpha=min(1.0, 0.25 + one.gradients / _full(found).gradients)
            if ours
            else 1.0,
            linewidth=1.5 if ours else 1,
            label=f"{name}, {one.gradients:,.0f} gradients",
        )
    axes.set(
        xscale="log",
        xlabel="mean squared error per pixel of the best start",
        ylabel="share of images below",
        ylim=(0, 1),
    )
    axes.grid(alpha=0.3, which="both")
    axes.legend(frameon=False, fontsize=7)
    return figure
