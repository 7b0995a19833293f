"""The report of a penalty sweep: a table, a few sentences, and the numbers by name."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from experiments.path_gan import figures, given
from experiments.path_gan.arms import (
    BETWEEN,
    ENCODER,
    EQUAL_TIME,
    HALVED,
    PLAIN,
    Arm,
)
from experiments.path_gan.sweep import ALLOWED, Sweep
from experiments.path_gan.trials import row_values
from experiments.reporting.pictures import drawing
from experiments.reporting.tables import markdown

METRICS = {
    "frechet_distance": "Fréchet distance",
    "class_matched_frechet_distance": "class-matched Fréchet distance",
    "frechet_middles": "Fréchet distance of the middles of lines",
    "kernel_distance": "kernel distance",
    "precision": "precision",
    "recall": "recall",
    "coverage": "coverage",
    "inversion_error": "inversion error (MSE per pixel)",
    "image_distance": "D",
    "code_distance": "ℓ",
    "rho": "ρ",
    "log_rho": "log ρ",
    "rho_line": "ρ of the line",
    "energy": "U_min",
    "energy_line": "U_line",
    "energy_slerp": "U_slerp",
    "line_over_energy": "U_line/U_min",
    "confidence_quarter": "confidence at ¼",
    "confidence_half": "confidence at ½",
    "confidence_three_quarters": "confidence at ¾",
    "nearest_quarter": "distance to training images at ¼",
    "nearest_half": "distance to training images at ½",
    "nearest_three_quarters": "distance to training images at ¾",
    "steps": "steps",
}
AT_USUAL = {
    given.number(name, given.USUAL): f"{title}, κ = {given.USUAL:g}"
    for name, title in {
        "error": "given digits: squared error",
        "norm": "given digits: norm of the codes",
        "distance": "given digits: ℓ",
        "energy": "given digits: U",
        "rho": "given digits: ρ",
    }.items()
}
AT_GIVEN_ERROR = {"energy": "U", "distance": "ℓ", "rho": "ρ"}
AS_A_SET = {
    "frechet_half": "Fréchet distance half-way on paths",
    "frechet_half_line": "Fréchet distance half-way on the line",
}
"""Measured where there are more pairs than features."""
PANELS = ("frechet_distance", "frechet_middles", "frechet_half")
"""Of the figure of the frontier, as far as they were measured."""


def table(sweep: Sweep) -> str:
    """Return mean ± standard deviation over seeds of all arms, in Markdown."""
    arms = ordered(sweep)

    def row(title: str, cell: Callable[[Arm], str], *compared: Arm) -> list[str]:
        lost = any(map(sweep.is_lost, compared))
        cells = ["lost" if lost or sweep.is_lost(arm) else cell(arm) for arm in arms]
        return [title, *cells]

    def summed_up(each: np.ndarray) -> str:
        if not np.isfinite(each).all():
            return "–"
        return f"{each.mean():.4g} ± {each.std(ddof=1):.2g}"

    def over_seeds(name: str) -> Callable[[Arm], str]:
        return lambda arm: summed_up(row_values(sweep.rows[arm], name))

    def at_given_error(name: str) -> Callable[[Arm], str]:
        return lambda arm: summed_up(sweep.at_given_error(arm, name))

    def reduction(arm: Arm) -> str:
        each = sweep.reduction(arm)
        return f"{each.mean():+.1%} ± {each.std(ddof=1):.1%}"

    def worsening(arm: Arm) -> str:
        return f"{sweep.worsening(arm):+.1%}"

    def overhead(arm: Arm) -> str:
        return f"{sweep.overhead(arm):.2f}"

    measured = METRICS | _as_a_set(sweep)
    rows = [row(title, over_seeds(name)) for name, title in measured.items()]
    rows += [
        row("reduction of ρ − 1", reduction, PLAIN),
        row("rise of the Fréchet distance", worsening, PLAIN),
        row("time of a step, relative", overhead),
    ]
    rows += [row(title, over_seeds(name)) for name, title in AT_USUAL.items()]
    error = sweep.given_error()
    if np.isfinite(error):
        rows += [
            row(
                f"given digits: {title}, error at most {error:.2e}",
                at_given_error(name),
            )
            for name, title in AT_GIVEN_ERROR.items()
        ]
    return markdown(["metric", *(arm.name for arm in arms)], rows)


def _as_a_set(sweep: Sweep) -> dict[str, str]:
    """Return the titles of what was measured of `AS_A_SET`, by name."""
    return {
        name: title
        for name, title in AS_A_SET.items()
        if any(name in row for rows in sweep.rows.values() for row in rows)
    }


def ordered(sweep: Sweep) -> list[Arm]:
    """Return the arms of a sweep, those without a penalty first."""
    first = [arm for arm in (PLAIN, EQUAL_TIME, HALVED) if arm in sweep.rows]
    return first + [arm for arm in sweep.rows if arm not in first]


def words(sweep: Sweep) -> str:
    """Return what the path penalty gained and cost, and what the controls did."""
    judged = (
        f"On {sweep.dataset}, {sweep.seeds} seeds each, {sweep.samples} samples and "
        f"{sweep.pairs} held-out pairs were judged."
    )
    if sweep.is_lost(PLAIN):
        return (
            f"{judged} The runs without a penalty were lost: nothing to compare with."
        )
    lines = [
        f"{judged} Without a penalty the median ρ is {sweep.mean(PLAIN, 'rho'):.3f} at "
        f"a Fréchet distance of {sweep.mean(PLAIN, 'frechet_distance'):.3g}.",
        *_of_path_penalty(sweep),
    ]
    controls = {
        "line": "The same penalty on straight lines",
        "length": "The penalty on path lengths",
        ENCODER: "Training an encoder along",
    }
    for penalty, name in controls.items():
        best = sweep.best(penalty)
        if best is not None:
            lines.append(
                f"{name}, at {sweep.strength} {best.label}, {_gain(sweep, best)}"
                f"{_of_given(sweep, best) if penalty == ENCODER else ''}."
            )
        elif any(arm.penalty == penalty for arm in sweep.rows):
            lines.append(f"{name} is lost at every {sweep.strength}.")
    lines += [
        _of_between(sweep, arm)
        for arm in sweep.rows
        if arm.variant == BETWEEN and not sweep.is_lost(arm)
    ]
    if EQUAL_TIME in sweep.rows:
        lost = sweep.is_lost(EQUAL_TIME)
        gain = "is lost" if lost else _gain(sweep, EQUAL_TIME)
        lines.append(f"Training without a penalty in equal time {gain}.")
    return " ".join(lines)


def _of_path_penalty(sweep: Sweep) -> list[str]:
    best = sweep.best("path")
    if not any(arm.penalty == "path" for arm in sweep.rows):
        return []
    if best is None:
        return [f"The path penalty is lost at every {sweep.strength}."]
    chosen = (
        f"Among the {sweep.strength}s of the path penalty that raise it by at most "
        f"{ALLOWED:.0%},"
        if sweep.worsening(best) <= ALLOWED
        else f"Every {sweep.strength} of the path penalty raises it by more than "
        f"{ALLOWED:.0%}; with the smallest rise,"
    )

    def change(name: str, digits: str) -> str:
        before, after = (sweep.mean(arm, name) for arm in (PLAIN, best))
        return f"from {before:{digits}} to {after:{digits}}"

    return [
        f"{chosen} {sweep.strength} {best.label} {_gain(sweep, best)}.",
        f"D goes {change('image_distance', '.3g')}, U {change('energy', '.4g')}, and "
        f"the judge's confidence half-way {change('confidence_half', '.2f')}; a step "
        f"takes {sweep.overhead(best):.2f} times as long.",
    ]


def _of_between(sweep: Sweep, arm: Arm) -> str:
    trained = "training without a penalty"
    if arm.weight:
        trained = f"the penalty ({arm.penalty}, {sweep.strength} {arm.weight:g})"
    said = f"With half of the codes of each batch between two, {trained} "
    said += f"{_gain(sweep, arm)}; "
    places = {"frechet_middles": "in the middles of lines"}
    if "frechet_half" in _as_a_set(sweep):
        places["frechet_half"] = "half-way on paths"
    distances = [
        f"{sweep.mean(arm, name):.3g} {place} "
        f"(without both {sweep.mean(PLAIN, name):.3g})"
        for name, place in places.items()
    ]
    return f"{said}that distance is {' and '.join(distances)}."


def _of_given(sweep: Sweep, arm: Arm) -> str:
    energy, distance = (
        [sweep.at_given_error(a, name).mean() for a in (PLAIN, arm)]
        for name in ("energy", "distance")
    )
    if not np.isfinite([*energy, *distance]).all():
        return ""
    return (
        f"; between given digits, at a squared error of "
        f"{sweep.given_error():.2e} at most, U "
        f"goes from {energy[0]:.4g} to {energy[1]:.4g} and ℓ from {distance[0]:.3g} to "
        f"{distance[1]:.3g}"
    )


def _gain(sweep: Sweep, arm: Arm) -> str:
    return (
        f"takes {sweep.reduction(arm).mean():.1%} off ρ − 1 and changes the Fréchet "
        f"distance by {sweep.worsening(arm):+.1%}"
    )


def summary(sweep: Sweep) -> dict[str, Any]:
    """Return every number of the sweep by name, for `summary.json`."""
    best = sweep.best("path")
    numbers: dict[str, Any] = {
        "dataset": sweep.dataset,
        "seeds": sweep.seeds,
        "n_samples": sweep.samples,
        "pairs": sweep.pairs,
        "best": best and best.name,
        "best_reduction": best and float(sweep.reduction(best).mean()),
        "best_frechet_rise": best and sweep.worsening(best),
        "best_overhead": best and sweep.overhead(best),
    }
    for arm, rows in sweep.rows.items():
        prefix = arm.name.replace(", ", "_").replace(" ", "_").replace(".", "_")
        for name in dict.fromkeys(name for row in rows for name in row):
            numbers[f"{prefix}_{name}_mean"] = sweep.mean(arm, name)
            numbers[f"{prefix}_{name}_sd"] = sweep.spread(arm, name)
    return numbers


def text(sweep: Sweep) -> str:
    """Return the report: words, and the table."""
    return words(sweep) + "\n\n" + table(sweep)


def write(out: Path, sweep: Sweep) -> None:
    """Write `report.md` and the figures into the experiment's folder."""
    (out / "report.md").write_text(text(sweep), encoding="utf-8")
    judged = {
        arm: sweep.rows[arm]
        for arm in ordered(sweep)
        if arm != HALVED and not sweep.is_lost(arm)
    }
    title = f"{sweep.dataset}, {sweep.seeds} seeds: mean and standard deviation"
    if judged:
        titles = METRICS | _as_a_set(sweep)
        panels = {
            titles[name]: {
                arm: (row_values(rows, name), row_values(rows, "log_rho"))
                for arm, rows in judged.items()
            }
            for name in PANELS
            if name in titles
        }
        with drawing(out / "pareto.png") as path:
            figures.pareto(panels, title).savefig(path, dpi=150)
        with drawing(out / "given.png") as path:
            figures.given_digits(judged, title).savefig(path, dpi=150)
    best = sweep.best("path") or sweep.best("line")
    if best is not None:
        with drawing(out / "strips.png") as path:
            figures.strips(out, [PLAIN, best]).savefig(path, dpi=120)
