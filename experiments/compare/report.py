"""What a contest between GAN and WGAN-GP showed, in numbers and in words."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from experiments.compare.contest import Row, row_at
from experiments.reporting import tables
from jaxgan.statistics import Estimate, permutation_p

SIGNIFICANT = 0.05

SMALLER_IS_BETTER = {
    "frechet_distance": True,
    "kernel_distance": True,
    "precision": False,
    "recall": False,
    "density": False,
    "coverage": False,
    "classifier_score": False,
    "class_total_variation": True,
}


class Report(NamedTuple):
    """A finished contest.

    Attributes:
        dataset: that was trained on.
        seeds: of each algorithm.
        samples: judged at every point.
        steps: at which both were judged in full.
        quick: who took less time for them.
        more: steps that `quick` made in the other's time.
        rows: of each contestant, by name.
        floor: what training images score in place of samples.
    """

    dataset: str
    seeds: int
    samples: int
    steps: int
    quick: str
    more: int
    rows: Mapping[str, Sequence[Row]]
    floor: Mapping[str, Estimate]

    def columns(self) -> dict[str, Row]:
        """Title what is compared: both at equal steps, and the quicker one later."""
        columns = {name: row_at(rows, self.steps) for name, rows in self.rows.items()}
        later = row_at(self.rows[self.quick], self.more)
        return {**columns, f"{self.quick}, equal time": later}


def over_seeds(row: Row, name: str) -> np.ndarray:
    """Read one number of every seed; NaN where a seed was lost."""
    return np.array(row[name], float)


def largest_rise(rows: Sequence[Row], step: int) -> np.ndarray:
    """How far the Fréchet distance rose above its best so far: a ratio, per seed."""
    course = np.array(
        [over_seeds(row, "frechet_distance") for row in rows if row["step"] <= step]
    )
    return (course / np.minimum.accumulate(course)).max(0)


def table(report: Report) -> str:
    """Write mean ± standard deviation over seeds of every metric, in Markdown."""
    columns = report.columns()
    rows = []
    for name, floor in report.floor.items():
        values = [over_seeds(row, name) for row in columns.values()]
        cells = [f"{v.mean():.4g} ± {v.std(ddof=1):.2g}" for v in values]
        rows.append([name, *cells, f"{floor.value:.4g}"])
    rises = [
        largest_rise(report.rows[title.split(",")[0]], row["step"])
        for title, row in columns.items()
    ]
    cells = [f"{r.mean():.3g} ± {r.std(ddof=1):.2g}" for r in rises]
    rows.append(["largest rise of frechet_distance, ratio", *cells, ""])
    rows.append(["steps", *(str(row["step"]) for row in columns.values()), ""])
    seconds = [f"{row['seconds'] / report.seeds:.0f}" for row in columns.values()]
    rows.append(["seconds per seed", *seconds, ""])
    return tables.markdown(["metric", *columns, "real images (floor)"], rows)


def words(report: Report) -> str:
    """Say who won, by how much, and whether that is more than the seeds vary."""
    columns = report.columns()
    gan, wgan = columns["GAN"], columns["WGAN-GP"]
    later = columns[f"{report.quick}, equal time"]
    other = wgan if report.quick == "GAN" else gan
    pair = (later, other) if report.quick == "GAN" else (other, later)
    cost = wgan["seconds"] / gan["seconds"]
    floor = report.floor["frechet_distance"].value
    return (
        f"On {report.dataset}, {report.seeds} seeds each, {report.samples} samples "
        f"judged. "
        + _verdict(gan, wgan, "frechet_distance", f"After {report.steps} steps")
        + f" Real images score {floor:.3g}. "
        + _verdict(gan, wgan, "coverage", "At the same step")
        + f" A step of the WGAN-GP took {cost:.2f} times as long. "
        + _verdict(*pair, "frechet_distance", "In equal time")
    )


def _verdict(gan: Row, wgan: Row, metric: str, when: str) -> str:
    a, b = over_seeds(gan, metric), over_seeds(wgan, metric)
    lost = int(np.isnan(a).sum() + np.isnan(b).sum())
    if lost:
        return f"{when}, {lost} seeds were lost to numbers that are not finite."
    wgan_wins = (b.mean() < a.mean()) == SMALLER_IS_BETTER[metric]
    winner = "WGAN-GP" if wgan_wins else "GAN"
    p = permutation_p(a, b)
    seen = "outside" if p < SIGNIFICANT else "not outside"
    least = permutation_p(np.zeros(len(a)), np.ones(len(b)))
    note = f"; {least:.2g} is the least that so few seeds can give" * (
        least >= SIGNIFICANT
    )
    quantity = metric.replace("_", " ").replace("frechet", "Fréchet")
    return (
        f"{when} the {winner} has the better {quantity}: {b.mean():.3g} ± "
        f"{b.std(ddof=1):.2g} for the WGAN-GP, {a.mean():.3g} ± {a.std(ddof=1):.2g} "
        f"for the GAN (mean ± standard deviation over seeds). This is {seen} the seed "
        f"noise (exact permutation test, p = {p:.2g}{note})."
    )


def summary(report: Report) -> dict[str, Any]:
    """Name every number of the report."""
    gan, wgan = (report.columns()[name] for name in ("GAN", "WGAN-GP"))
    numbers: dict[str, Any] = {
        "dataset": report.dataset,
        "seeds": report.seeds,
        "n_samples": report.samples,
        "steps": report.steps,
        "equal_time_steps": report.more,
        "quick": report.quick,
        "step_time_ratio": wgan["seconds"] / gan["seconds"],
    }
    for title, row in report.columns().items():
        prefix = title.lower().replace("-", "_").replace(", ", "_").replace(" ", "_")
        numbers[f"{prefix}_wall_seconds"] = row["seconds"]
        for name in report.floor:
            values = over_seeds(row, name)
            numbers[f"{prefix}_{name}_mean"] = float(values.mean())
            numbers[f"{prefix}_{name}_sd"] = float(values.std(ddof=1))
    for name, floor in report.floor.items():
        numbers[f"{name}_floor"] = floor.value
        a, b = over_seeds(gan, name), over_seeds(wgan, name)
        numbers[f"{name}_p_value"] = permutation_p(a, b)
    return numbers
