"""A finished penalty sweep: the numbers of all runs, and what is compared of them."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from experiments.path_gan import given
from experiments.path_gan.arms import PLAIN, Arm
from experiments.path_gan.trials import Numbers, row_values

ALLOWED = 0.05
"""Relative rise of the Fréchet distance that the best weight may cost."""


class Sweep(NamedTuple):
    """A finished sweep.

    A run is lost if a weight of its generator became infinite or NaN; an arm is lost
    if any of its runs is.

    Attributes:
        dataset: name of the training images.
        seeds: runs of each arm.
        samples: generated images that were judged.
        pairs: held-out pairs of codes.
        strength: `weight` or `ratio`: what the numbers of the arms are.
        rows: numbers of every seed, by arm.
    """

    dataset: str
    seeds: int
    samples: int
    pairs: int
    strength: str
    rows: Mapping[Arm, Sequence[Numbers]]

    def is_lost(self, arm: Arm) -> bool:
        """Return whether a run of the arm was lost, so that it has no means."""
        means = [self.mean(arm, name) for name in ("frechet_distance", "rho")]
        return not np.isfinite(means).all()

    def mean(self, arm: Arm, name: str) -> float:
        """Return the mean of a number over seeds; NaN if a run was lost."""
        return float(row_values(self.rows[arm], name).mean())

    def spread(self, arm: Arm, name: str) -> float:
        """Return the standard deviation of a number over seeds."""
        return float(row_values(self.rows[arm], name).std(ddof=1))

    def reduction(self, arm: Arm) -> np.ndarray:
        """Return the relative reduction of ρ − 1, of each seed against `PLAIN`."""
        before, after = (row_values(self.rows[a], "rho") for a in (PLAIN, arm))
        return 1 - (after - 1) / (before - 1)

    def worsening(self, arm: Arm) -> float:
        """Return the relative rise of the mean Fréchet distance against `PLAIN`."""
        after, before = (self.mean(a, "frechet_distance") for a in (arm, PLAIN))
        return after / before - 1

    def given_error(self) -> float:
        """Return the error at which given digits are compared.

        It is the mean error of `PLAIN` at the usual prior weight.
        """
        return self.mean(PLAIN, given.number("error", given.USUAL))

    def at_given_error(self, arm: Arm, quantity: str) -> np.ndarray:
        """Return a quantity of given digits, of each seed, at `given_error` at most."""
        error, rows = self.given_error(), self.rows[arm]
        return np.array([given.at_most_error(row, quantity, error) for row in rows])

    def overhead(self, arm: Arm) -> float:
        """Return the time of a training step, divided by that of `PLAIN`."""
        return self.mean(arm, "step_ms") / self.mean(PLAIN, "step_ms")

    def best(self, penalty: str) -> Arm | None:
        """Return the arm of a penalty with the largest reduction of ρ − 1.

        Arms whose Fréchet distance rises by more than `ALLOWED` are left out; if all
        do, the arm with the least Fréchet distance. None if all arms, or `PLAIN`, are
        lost.
        """
        arms = [
            arm
            for arm in self.rows
            if arm.penalty == penalty
            and not arm.variant
            and not (self.is_lost(arm) or self.is_lost(PLAIN))
        ]
        allowed = [arm for arm in arms if self.worsening(arm) <= ALLOWED]
        if allowed:
            return max(allowed, key=lambda arm: self.reduction(arm).mean())
        return min(
            arms, key=lambda arm: self.mean(arm, "frechet_distance"), default=None
        )
