"""What a sweep of penalties showed, in numbers and in words."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from experiments.path_gan import figures
from experiments.path_gan.arms import PLAIN
from experiments.path_gan.trials import LATER, RESCALED, Numbers, row_values

ALLOWED = 0.05
"""Relative rise of the Fréchet distance that the best weight may cost."""


class Report(NamedTuple):
    """A finished sweep.

    Attributes:
        dataset: that was trained on.
        seeds: of each arm.
        samples: judged.
        pairs: held out.
        rows: of every seed, by name of the arm.
    """

    dataset: str
    seeds: int
    samples: int
    pairs: int
    rows: Mapping[str, Sequence[Numbers]]

    def mean(self, arm: str, name: str) -> float:
        """Average a number over seeds; NaN if one was lost."""
        return float(row_values(self.rows[arm], name).mean())

    def spread(self, arm: str, name: str) -> float:
        """Standard deviation over seeds."""
        return float(row_values(self.rows[arm], name).std(ddof=1))

    def reduction(self, arm: str) -> np.ndarray:
        """Share of the excess of ρ over 1 that went, for each seed against its own."""
        before, after = (row_values(self.rows[a], "rho") for a in (PLAIN, arm))
        return 1 - (after - 1) / (before - 1)

    def worsening(self, arm: str) -> float:
        """Relative rise of the mean Fréchet distance."""
        after, before = (self.mean(a, "frechet_distance") for a in (arm, PLAIN))
        return after / before - 1

    def overhead(self, arm: str) -> float:
        """Time of a step over that without a penalty."""
        return self.mean(arm, "step_ms") / self.mean(PLAIN, "step_ms")

    def best(self, penalty: str) -> str:
        """Choose the weight with the largest reduction at the Fréchet distance allowed.

        If none is allowed: the one with the least distance.
        """
        arms = [arm for arm in self.rows if arm.startswith(f"{penalty} ")]
        allowed = [arm for arm in arms if self.worsening(arm) <= ALLOWED]
        if allowed:
            return max(allowed, key=lambda arm: self.reduction(arm).mean())
        return min(arms, key=lambda arm: self.mean(arm, "frechet_distance"))


METRICS = {
    "frechet_distance": "Fréchet distance",
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


def table(report: Report) -> str:
    """Write mean ± standard deviation over seeds, in Markdown."""
    arms = ordered(report)
    lines = ["| metric | " + " | ".join(arms) + " |", "|---" * (len(arms) + 1) + "|"]

    def line(name: str, cells: Sequence[str]) -> str:
        return f"| {name} | " + " | ".join(cells) + " |"

    for name, title in METRICS.items():
        cells = [
            f"{report.mean(a, name):.4g} ± {report.spread(a, name):.2g}" for a in arms
        ]
        lines.append(line(title, cells))
    gains = [report.reduction(arm) for arm in arms]
    cells = [f"{g.mean():+.1%} ± {g.std(ddof=1):.1%}" for g in gains]
    lines.append(line("excess of ρ over 1 that went", cells))
    cells = [f"{report.worsening(arm):+.1%}" for arm in arms]
    lines.append(line("Fréchet distance, rise", cells))
    cells = [f"{report.overhead(arm):.2f}" for arm in arms]
    lines.append(line("time of a step", cells))
    return "\n".join(lines)


def ordered(report: Report) -> list[str]:
    """Put what has no penalty first."""
    first = [arm for arm in (PLAIN, LATER, RESCALED) if arm in report.rows]
    return first + [arm for arm in report.rows if arm not in first]


def words(report: Report) -> str:
    """Say what was gained, at what price, and what the controls gained."""
    best = report.best("path")
    gain, price = report.reduction(best).mean(), report.worsening(best)
    chosen = (
        f"Of the path penalty's weights that raise it by {ALLOWED:.0%} at most,"
        if price <= ALLOWED
        else f"No weight of the path penalty stays within {ALLOWED:.0%} of it; nearest,"
    )
    lines = [
        f"On {report.dataset}, {report.seeds} seeds each, {report.samples} samples and "
        f"{report.pairs} held-out pairs judged. Without a penalty the median ρ is "
        f"{report.mean(PLAIN, 'rho'):.3f} at a Fréchet distance of "
        f"{report.mean(PLAIN, 'frechet_distance'):.3g}.",
        f"{chosen} {best.split()[1]} takes {gain:.1%} of the excess of ρ over 1 away, "
        f"at {price:+.1%}.",
        f"D goes from {report.mean(PLAIN, 'image_distance'):.3g} to "
        f"{report.mean(best, 'image_distance'):.3g}, U from "
        f"{report.mean(PLAIN, 'energy'):.4g} to {report.mean(best, 'energy'):.4g}; the "
        f"judge's confidence half-way from {report.mean(PLAIN, 'confidence_half'):.2f} "
        f"to {report.mean(best, 'confidence_half'):.2f}; a step takes "
        f"{report.overhead(best):.2f} times as long.",
    ]
    names = {"line": "The same penalty on straight lines", "length": "Path lengths"}

    def gained(arm: str) -> str:
        return f"{report.reduction(arm).mean():.1%} at {report.worsening(arm):+.1%}"

    for penalty, name in names.items():
        if any(arm.startswith(f"{penalty} ") for arm in report.rows):
            arm = report.best(penalty)
            lines.append(f"{name}, at weight {arm.split()[1]}: {gained(arm)}.")
    if LATER in report.rows:
        lines.append(f"Without a penalty, in equal time: {gained(LATER)}.")
    return " ".join(lines)


def summary(report: Report) -> dict[str, Any]:
    """Name every number of the report."""
    best = report.best("path")
    numbers: dict[str, Any] = {
        "dataset": report.dataset,
        "seeds": report.seeds,
        "n_samples": report.samples,
        "pairs": report.pairs,
        "best": best,
        "best_reduction": float(report.reduction(best).mean()),
        "best_frechet_rise": report.worsening(best),
        "best_overhead": report.overhead(best),
    }
    for arm, rows in report.rows.items():
        prefix = arm.replace(", ", "_").replace(" ", "_").replace(".", "_")
        for name in rows[0]:
            numbers[f"{prefix}_{name}_mean"] = report.mean(arm, name)
            numbers[f"{prefix}_{name}_sd"] = report.spread(arm, name)
    return numbers


def write(out: Path, report: Report) -> None:
    """Write `report.md` and the figures."""
    (out / "report.md").write_text(words(report) + "\n\n" + table(report) + "\n")
    points = {
        arm: (row_values(rows, "frechet_distance"), row_values(rows, "log_rho"))
        for arm, rows in report.rows.items()
        if arm != RESCALED
    }
    title = f"{report.dataset}, {report.seeds} seeds: mean and standard deviation"
    figures.pareto(points, title).savefig(out / "pareto.png", dpi=150)
    figures.strips(out, {"without": PLAIN, "with": report.best("path")})
