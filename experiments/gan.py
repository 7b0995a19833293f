"""Train a vanilla GAN on digits: `python -m experiments.gan`."""

from dataclasses import dataclass
from typing import Any

from experiments.running.command_line import main
from experiments.running.options import AdversarialOptions


@dataclass(frozen=True)
class Config(AdversarialOptions):
    """Train a vanilla GAN (arXiv:1406.2661) on digits."""

    saturating: bool = False
    """Use the minimax generator loss in place of the non-saturating one."""


def run(config: Config) -> dict[str, Any]:
    """Train, write everything into the output folder, and return the summary."""
    from functools import partial

    from experiments.running import adversarial
    from jaxgan import gan

    objective = partial(gan.vanilla_gan, saturating=config.saturating)
    return adversarial.train("gan", config, objective)


if __name__ == "__main__":
    main(Config, run)
