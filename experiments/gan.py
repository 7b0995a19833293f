"""Train a vanilla GAN on digits: `python -m experiments.gan`."""

from dataclasses import dataclass
from typing import Any

from experiments.command_line import main
from experiments.options import TrainingOptions


@dataclass(frozen=True)
class Config(TrainingOptions):
    """Train a vanilla GAN (arXiv:1406.2661) on digits."""

    saturating: bool = False
    """Use the minimax generator loss in place of the non-saturating one."""


def run(config: Config) -> dict[str, Any]:
    """Train, write everything into the output folder, and return the summary."""
    config.check()
    from experiments import adversarial
    from jaxgan import algorithms

    generator, critic = adversarial.networks(config)
    algorithm = algorithms.gan(
        generator,
        critic,
        generator_optimizer=adversarial.adam(config),
        critic_optimizer=adversarial.adam(config),
        saturating=config.saturating,
        critic_steps=config.critic_steps,
        average_decay=config.average_decay,
    )
    return adversarial.train("gan", config, generator, critic, algorithm)


if __name__ == "__main__":
    main(Config, run)
