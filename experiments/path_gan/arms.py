"""The arms of a penalty sweep, which are what it compares: penalties and controls."""

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

import optax

from jaxgan import gan, networks, training
from jaxgan.gan import path_energy_penalty, path_length_penalty
from jaxgan.networks import Generator, Network
from jaxgan.training import Algorithm

ADVERSARIAL = {"wgan": gan.wgan_gp, "gan": gan.vanilla_gan}


class Arm(NamedTuple):
    """A penalty with its weight, or a control.

    Attributes:
        penalty: `path`, `line` or `length`; `ENCODER`; `none` without a penalty.
        weight: of the penalty, or the ratio of its gradient to the adversarial one; 0
            without a penalty.
        variant: what distinguishes an arm from the one with the same penalty and
            weight: it is a control, or `BETWEEN`.
    """

    penalty: str
    weight: float = 0.0
    variant: str = ""

    @property
    def name(self) -> str:
        """Return the name in tables, in `summary.json` and in the names of folders."""
        weighted = f"{self.penalty} {self.weight:g}" if self.weight else self.penalty
        return f"{weighted}, {self.variant}" if self.variant else weighted

    @property
    def unweighted(self) -> "Arm":
        """Return what all arms that differ in the weight only have in common."""
        return self._replace(weight=0.0)

    @property
    def label(self) -> str:
        """Return what distinguishes the arm from others with the same penalty."""
        return f"{self.weight:g}" if self.weight else self.variant


ENCODER = "encoder"
"""In place of a penalty: an encoder that is trained beside the generator."""
ENCODER_WIDTHS = (512, 256)
BETWEEN = "codes between"
"""The variant with half of the codes of each batch on lines between two codes."""
PLAIN = Arm("none")
EQUAL_TIME = Arm("none", variant="equal time")
"""The generator of `PLAIN`, trained for as long as the slowest other arm takes."""
HALVED = Arm("none", variant="codes halved")
"""The generator of `PLAIN`, and held-out codes z / 2 that generate the same images."""


def arms(weights: Mapping[str, Sequence[float]], *, between: bool) -> list[Arm]:
    """Return the arms to train: every penalty at every weight, and `PLAIN`.

    Args:
        weights: of each penalty, and of the encoder.
        between: whether there is a variant `BETWEEN` of each as well.
    """
    several = [Arm(name, weight) for name, each in weights.items() for weight in each]
    several += [PLAIN]
    variants = [arm._replace(variant=BETWEEN) for arm in several] if between else []
    return [*several, *variants]


def run_folder(out: Path, arm: Arm, seed: int) -> Path:
    """Return the folder of one run of an arm, inside the experiment's folder."""
    return out / "models" / arm.name.replace(" ", "-") / str(seed)


def algorithms(
    name: str,
    generator: Generator,
    critic: Network,
    *,
    learning_rate: float,
    beta1: float,
    average_decay: float,
    every: int,
    strength: str,
    plain_steps: int,
    steps: int,
) -> dict[Arm, Algorithm]:
    """Return the algorithm with each penalty, at weight 0, and without a penalty.

    Args:
        name: a key of `ADVERSARIAL`.
        generator: the generator to train.
        critic: its critic.
        learning_rate: of Adam, for both networks.
        beta1: Adam's decay rate of the mean gradient.
        average_decay: of the moving average of the generator's weights; in [0, 1).
        every: generator steps from one use of a penalty to the next.
        strength: `weight` or `ratio`: what the numbers of the arms are.
        plain_steps: that come first, without a penalty. If there are any, the learning
            rate falls to zero after them, and a ratio rises over the first tenth of
            what follows. The weight of an encoder rises over the first quarter of it.
        steps: that follow.

    Returns:
        The algorithms by `Arm.unweighted`.
    """
    rate = learning_rate
    if plain_steps:
        constant = optax.constant_schedule(rate)
        falling = optax.cosine_decay_schedule(rate, steps)
        rate = optax.join_schedules([constant, falling], [plain_steps])
    optimizer = training.adam(rate, beta1)
    ramp = steps // 10 if plain_steps else 0
    regularise = {
        "weight": partial(gan.lazy_regulariser, weight=0.0, every=every),
        "ratio": partial(gan.matched_regulariser, ratio=0.0, every=every, ramp=ramp),
    }[strength]
    found: dict[Arm, Algorithm] = {}
    for variant in ("", BETWEEN):
        trained = trained_generator(generator, variant)
        train = partial(
            ADVERSARIAL[name],
            trained,
            critic,
            generator_optimizer=optimizer,
            critic_optimizer=optimizer,
            average_decay=average_decay,
        )
        penalties = {
            "path": path_energy_penalty(trained),
            "line": path_energy_penalty(trained, steps=0),
            "length": path_length_penalty(trained),
        }
        for penalty, of in penalties.items():
            regularised = train(regulariser=regularise(of))
            found[Arm(penalty, variant=variant)] = regularised
        encoder = networks.mlp_encoder(generator.latent_dim, ENCODER_WIDTHS)
        along = gan.encoder_regulariser(trained, encoder, weight=0.0, ramp=steps // 4)
        found[Arm(ENCODER, variant=variant)] = train(regulariser=along)
        found[PLAIN._replace(variant=variant)] = train()
    return found


def trained_generator(generator: Generator, variant: str) -> Generator:
    """Return what is trained, and finished, in arms of a variant."""
    return gan.with_codes_between(generator) if variant == BETWEEN else generator
