"""What a sweep of penalties compares: each penalty at several weights, and none."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import optax

from jaxgan import gan, training
from jaxgan.gan import path_energy_penalty, path_length_penalty, regularised
from jaxgan.networks import Generator, Network
from jaxgan.training import Algorithm

PLAIN = "none"
ADVERSARIAL = {"wgan": gan.wgan_gp, "gan": gan.vanilla_gan}


class Arm(NamedTuple):
    """A penalty and its weight.

    Attributes:
        penalty: its name.
        weight: 0 for none.
    """

    penalty: str
    weight: float

    @property
    def name(self) -> str:
        """Name it in tables and folders."""
        return f"{self.penalty} {self.weight:g}" if self.weight else self.penalty


def arms(weights: Mapping[str, Sequence[float]]) -> list[Arm]:
    """List every penalty at every weight, and last none at all."""
    several = [Arm(name, weight) for name, each in weights.items() for weight in each]
    return [*several, Arm(PLAIN, 0.0)]


def algorithms(
    name: str,
    generator: Generator,
    critic: Network,
    *,
    average_decay: float,
    every: int,
) -> dict[str, Algorithm]:
    """Build the algorithm with each penalty, at weight 0 still, and with none.

    Args:
        name: a key of `ADVERSARIAL`.
        generator: that is trained.
        critic: against it.
        average_decay: of the generator's moving average.
        every: steps from one use of a penalty to the next.
    """

    def make(optimizer: optax.GradientTransformation) -> Algorithm:
        return ADVERSARIAL[name](
            generator,
            critic,
            generator_optimizer=optimizer,
            average_decay=average_decay,
        )

    penalties = {
        "path": path_energy_penalty(generator),
        "line": path_energy_penalty(generator, steps=0),
        "length": path_length_penalty(generator),
    }
    penalised = {
        name: regularised(make, training.ADAM, penalty, weight=0.0, every=every)
        for name, penalty in penalties.items()
    }
    return {**penalised, PLAIN: make(training.ADAM)}
