"""The numbers and the words of a comparison between GAN and WGAN-GP."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from experiments.compare.contest import Row, row_at, seconds_per_step
from experiments.reporting import tables
from jaxgan.statistics import Estimate, permutation_p

GAN, WGAN = "GAN", "WGAN-GP"
KEYS = {GAN: "gan", WGAN: "wgan_gp"}
"""What the names of the two contestants are in `summary.json`."""
SIGNIFICANT = 0.05

SMALLER_IS_BETTER = {
    "frechet_distance": True,
    "class_matched_frechet_distance": True,
    "kernel_distance": True,
    "precision": False,
    "recall": False,
    "density": False,
    "coverage": False,
    "classifier_score": False,
    "class_total_variation": True,
}


QUANTITIES = {
    "frechet_distance": "Fréchet distance",
    "class_matched_frechet_distance": "Fréchet distance",
    "coverage": "coverage",
}
"""What the words call a metric."""


class Column(NamedTuple):
    """One column of the report.

    Attributes:
        contestant: `GAN` or `WGAN`.
        title: heading of the column.
        key: prefix of its numbers in `summary.json`.
        row: what was logged of the contestant's seeds.
    """

    contestant: str
    title: str
    key: str
    row: Row


class Comparison(NamedTuple):
    """A finished comparison.

    Attributes:
        dataset: the dataset that was trained on.
        seeds: number of runs of each algorithm.
        samples: number of samples that were judged at every point.
        steps: generator steps after which both are compared.
        faster: the contestant that took less time for them.
        equal_time_steps: steps that it made in the time of the other one.
        rows: what was logged of each contestant, by name.
        floor: the metrics of training images in place of samples.
    """

    dataset: str
    seeds: int
    samples: int
    steps: int
    faster: str
    equal_time_steps: int
    rows: Mapping[str, Sequence[Row]]
    floor: Mapping[str, Estimate]

    def seconds_per_step(self, name: str) -> float:
        """Return the time of one step of all seeds of a contestant."""
        return seconds_per_step(self.rows[name], self.steps)

    def training_seconds(self, column: Column) -> float:
        """Return the time of all steps of all seeds of a column."""
        return self.seconds_per_step(column.contestant) * column.row["step"]

    def cost(self) -> float:
        """Return how many times as long as the GAN's a step of the WGAN-GP takes."""
        return self.seconds_per_step(WGAN) / self.seconds_per_step(GAN)

    def at_equal_steps(self) -> dict[str, Row]:
        """Return what was logged of both after the same number of steps."""
        return {name: row_at(rows, self.steps) for name, rows in self.rows.items()}

    def at_equal_time(self) -> dict[str, Row]:
        """Return what was logged of both after the same time."""
        later = row_at(self.rows[self.faster], self.equal_time_steps)
        return self.at_equal_steps() | {self.faster: later}

    def columns(self) -> list[Column]:
        """Return what is compared: both at equal steps, and the faster one later."""
        columns = [
            Column(name, name, KEYS[name], row)
            for name, row in self.at_equal_steps().items()
        ]
        name = self.faster
        title, key = f"{name}, equal time", f"{KEYS[name]}_equal_time"
        return [*columns, Column(name, title, key, self.at_equal_time()[name])]


def over_seeds(row: Row, name: str) -> np.ndarray:
    """Return one number of every seed; NaN where a seed diverged.

    Where all of them did, there is nothing but the Fréchet distance in the row.
    """
    return np.array(row.get(name, [math.nan] * len(row["frechet_distance"])), float)


def mean_and_spread(values: np.ndarray) -> str:
    """Return mean ± standard deviation over seeds, or how many of them were lost."""
    lost = int(np.isnan(values).sum())
    if lost:
        return f"lost ({lost} of {len(values)} seeds)"
    return f"{values.mean():.4g} ± {values.std(ddof=1):.2g}"


def largest_rise(rows: Sequence[Row], step: int) -> np.ndarray:
    """Return how far the Fréchet distance rose above its least value before.

    Returns:
        For each seed the largest ratio of the two, until `step`.
    """
    course = np.array(
        [over_seeds(row, "frechet_distance") for row in rows if row["step"] <= step]
    )
    return (course / np.minimum.accumulate(course)).max(0)


def table(comparison: Comparison) -> str:
    """Return mean ± standard deviation over seeds of every metric, in Markdown."""
    columns = comparison.columns()
    rows = []
    for name, floor in comparison.floor.items():
        values = [over_seeds(column.row, name) for column in columns]
        rows.append([name, *map(mean_and_spread, values), f"{floor.value:.4g}"])
    rises = [
        largest_rise(comparison.rows[column.contestant], column.row["step"])
        for column in columns
    ]
    cells = map(mean_and_spread, rises)
    rows.append(["largest rise of frechet_distance, ratio", *cells, ""])
    rows.append(["steps", *(str(column.row["step"]) for column in columns), ""])
    seconds = [comparison.training_seconds(each) / comparison.seeds for each in columns]
    rows.append(["seconds per seed", *(f"{each:.0f}" for each in seconds), ""])
    titles = [column.title for column in columns]
    return tables.markdown(["metric", *titles, "real images (floor)"], rows)


def words(comparison: Comparison) -> str:
    """Return who is better, by how much, and whether by more than seeds differ."""
    equal_steps, equal_time = comparison.at_equal_steps(), comparison.at_equal_time()
    floor = comparison.floor["frechet_distance"].value
    after = f"After {comparison.steps} steps"
    return (
        f"On {comparison.dataset}, {comparison.seeds} seeds each, "
        f"{comparison.samples} samples judged. "
        + _verdict(equal_steps, "frechet_distance", after)
        + f" Real images score {floor:.3g}. "
        + _verdict(
            equal_steps,
            "class_matched_frechet_distance",
            "With every class at its share among the test images",
        )
        + " "
        + _verdict(equal_steps, "coverage", "At the same step")
        + f" A step of the WGAN-GP took {comparison.cost():.2f} times as long. "
        + _verdict(equal_time, "frechet_distance", "In equal time")
    )


def _verdict(rows: Mapping[str, Row], metric: str, when: str) -> str:
    a, b = over_seeds(rows[GAN], metric), over_seeds(rows[WGAN], metric)
    lost = int(np.isnan(a).sum() + np.isnan(b).sum())
    if lost:
        seeds = "1 seed" if lost == 1 else f"{lost} seeds"
        return f"{when} there is no verdict: {seeds} diverged."
    quantity = QUANTITIES[metric]
    if a.mean() == b.mean():
        return f"{when} both have the same {quantity}, {a.mean():.3g}."
    wgan_wins = (b.mean() < a.mean()) == SMALLER_IS_BETTER[metric]
    p = permutation_p(a, b)
    side = "outside" if p < SIGNIFICANT else "not outside"
    least = permutation_p(np.zeros(len(a)), np.ones(len(b)))
    few = "so few" if least >= SIGNIFICANT else "as many"
    note = f"; {least:.2g} is the least that {few} seeds can give"
    return (
        f"{when} the {WGAN if wgan_wins else GAN} has the better {quantity}: "
        f"{b.mean():.3g} ± {b.std(ddof=1):.2g} for the WGAN-GP, {a.mean():.3g} ± "
        f"{a.std(ddof=1):.2g} for the GAN (mean ± standard deviation over seeds). This "
        f"is {side} the seed noise (exact permutation test, p = {p:.2g}{note})."
    )


def summary(comparison: Comparison) -> dict[str, Any]:
    """Return every number of the comparison under a name of its own."""
    rows = comparison.at_equal_steps()
    numbers: dict[str, Any] = {
        "dataset": comparison.dataset,
        "seeds": comparison.seeds,
        "n_samples": comparison.samples,
        "steps": comparison.steps,
        "equal_time_steps": comparison.equal_time_steps,
        "quick": comparison.faster,
        "step_time_ratio": comparison.cost(),
    }
    for column in comparison.columns():
        seconds = comparison.training_seconds(column)
        numbers[f"{column.key}_training_seconds"] = seconds
        for name in comparison.floor:
            values = over_seeds(column.row, name)
            numbers[f"{column.key}_{name}_mean"] = float(values.mean())
            numbers[f"{column.key}_{name}_sd"] = float(values.std(ddof=1))
    for name, floor in comparison.floor.items():
        numbers[f"{name}_floor"] = floor.value
        a, b = over_seeds(rows[GAN], name), over_seeds(rows[WGAN], name)
        numbers[f"{name}_p_value"] = permutation_p(a, b)
    return numbers
