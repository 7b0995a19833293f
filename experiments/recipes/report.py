"""The table, the numbers and the figure of a comparison of recipes."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from experiments.recipes.race import OURS, SHORT, WITH_SHORT, RecipeResult
from experiments.reporting import tables
from experiments.reporting.pictures import drawing
from jaxgan.statistics import wilson

HEADER = (
    "recipe",
    "starts",
    "gradients",
    "median",
    "95 % below",
    "norm of the code, median",
    "ours is no worse on",
)


def _is_ours(name: str) -> bool:
    return name.startswith(OURS)


def _published(found: Mapping[str, RecipeResult]) -> dict[str, RecipeResult]:
    return {name: one for name, one in found.items() if not _is_ours(name)}


def _ours(found: Mapping[str, RecipeResult]) -> dict[str, RecipeResult]:
    """Return the results of our recipe without a weight of the prior."""
    short = _ours_short(found)
    return {n: one for n, one in found.items() if _is_ours(n) and n not in short}


def _ours_short(found: Mapping[str, RecipeResult]) -> dict[str, RecipeResult]:
    """Return the results of our recipe with short codes."""
    return {n: one for n, one in found.items() if n.endswith(WITH_SHORT)}


def _full(found: Mapping[str, RecipeResult]) -> RecipeResult:
    """Return the result of our recipe with the whole budget."""
    return max(_ours(found).values(), key=lambda one: one.gradients)


def summary(found: Mapping[str, RecipeResult]) -> dict[str, Any]:
    """Return how our recipe compares with the best of the published ones.

    An image whose starts all diverged has an infinite error. Without a published recipe
    with a finite median there is no best one: its name and numbers are None.
    """
    others, full = _published(found), _full(found)
    medians = {name: _median(one) for name, one in found.items()}
    best_name = min(others, key=lambda name: medians[name])
    if not np.isfinite(medians[best_name]):
        best_name = None
    least = np.min([_errors(one) for one in others.values()], 0)
    short = _best_of_short(found)
    finite = np.isfinite(_errors(full))
    not_worse = wilson(int(np.sum(finite & (full.errors <= least))), len(least))
    return {
        "num_images": len(least),
        "best_preset": best_name,
        "gradients_of_best_preset": best_name and float(others[best_name].gradients),
        "gradients_to_match_best_preset": _to_match(_ours(found), others, best_name),
        "best_short_preset": short,
        "gradients_of_best_short_preset": short and float(others[short].gradients),
        "gradients_to_match_best_short_preset": _to_match(
            _ours_short(found), others, short
        ),
        "no_worse_than_every_preset": not_worse.value,
        "no_worse_than_every_preset_interval": not_worse[1:],
        "mse_per_pixel_median": medians,
        "norm_median": {name: float(np.median(o.norms)) for name, o in found.items()},
    }


def _best_of_short(found: Mapping[str, RecipeResult]) -> str | None:
    """Return the best published recipe whose codes are no longer than our short ones.

    None if there is none, or if our short ones are missing.
    """
    norms = [np.median(one.norms) for one in _ours_short(found).values()]
    medians = {
        name: _median(one)
        for name, one in _published(found).items()
        if norms and np.median(one.norms) <= max(norms)
    }
    name = min(medians, key=lambda name: medians[name], default=None)
    return name if name and np.isfinite(medians[name]) else None


def _to_match(
    ours: Mapping[str, RecipeResult], others: Mapping[str, RecipeResult], name: Any
) -> float | None:
    """Return the fewest gradients with which our median is no larger than another's."""
    enough = [
        one.gradients
        for one in ours.values()
        if name and _median(one) <= _median(others[name])
    ]
    return min(enough, default=None)


def _errors(one: RecipeResult) -> np.ndarray:
    """Return the errors of all images; infinite where all starts diverged."""
    return np.where(np.isnan(one.errors), np.inf, one.errors)


def _quantile(errors: np.ndarray, share: float) -> float:
    """Return a quantile; between a finite and an infinite value it is infinite."""
    finite = np.isfinite(errors).all()
    return float(np.quantile(errors, share, method="linear" if finite else "higher"))


def _median(one: RecipeResult) -> float:
    return float(np.median(_errors(one)))


def in_words(numbers: Mapping[str, Any]) -> str:
    """Return how our recipe compares, from the numbers of a summary."""
    low, high = numbers["no_worse_than_every_preset_interval"]
    enough = numbers["gradients_to_match_best_preset"]
    matched = (
        "Ours does not reach it with this budget."
        if enough is None
        else f"Ours reaches it with {enough:,.0f}."
    )
    best = numbers["best_preset"]
    if best is None:
        return "No published recipe ends at finite numbers on most of the images."
    return (
        f"Ours is no worse than every published recipe on "
        f"{numbers['no_worse_than_every_preset']:.0%} of {numbers['num_images']} "
        f"images (95 % interval {low:.0%} to {high:.0%}).\n"
        f"The published recipe with the least median error, {best}, "
        f"takes {numbers['gradients_of_best_preset']:,.0f} gradients for an image. "
        f"{matched}{_of_short(numbers)}"
    )


def _of_short(numbers: Mapping[str, Any]) -> str:
    """Return how ours compares where codes are held in the prior."""
    name = numbers["best_short_preset"]
    if name is None:
        return ""
    enough = numbers["gradients_to_match_best_short_preset"]
    matched = (
        "does not reach it" if enough is None else f"reaches it with {enough:,.0f}"
    )
    return (
        f"\nOf those whose codes are no longer than ours with κ = {SHORT}, the best, "
        f"{name}, takes {numbers['gradients_of_best_short_preset']:,.0f}; ours with "
        f"this κ {matched}."
    )


def table(found: Mapping[str, RecipeResult]) -> str:
    """Return a table with a row for each recipe, in Markdown."""
    full = _full(found)

    def row(name: str, one: RecipeResult) -> list[str]:
        return [
            name,
            f"{one.starts}",
            f"{one.gradients:.0f}",
            f"{_median(one):.2e}",
            f"{_quantile(_errors(one), 0.95):.2e}",
            f"{np.median(one.norms):.3g}",
            "" if _is_ours(name) else f"{np.mean(full.errors <= one.errors):.1%}",
        ]

    return tables.markdown(HEADER, [row(name, one) for name, one in found.items()])


def write(out: Path, found: Mapping[str, RecipeResult]) -> None:
    """Write `errors.npz`, `table.md` and `recipes.png`."""
    np.savez_compressed(
        out / "errors.npz",
        recipes=np.array(list(found)),
        errors=np.stack([one.errors for one in found.values()]),
        norms=np.stack([one.norms for one in found.values()]),
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
            linestyle="--" if name.endswith(WITH_SHORT) else "-",
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
