"""Train a vanilla GAN on digits: `python -m experiments.gan`."""

from dataclasses import dataclass
from typing import Any

from experiments.command_line import main
from experiments.options import AdversarialOptions


@dataclass(frozen=True)
class Config(AdversarialOptions):
    """Train a vanilla GAN (arXiv:1406.2661) on digits."""

    saturating: bool = False
    """Use the minimax generator loss in place of the non-saturating one."""


def run(config: Config) -> dict[str, Any]:
    """Train, write everything into the output folder, and return the summary."""
    from experiments import adversarial_run
    from jaxgan import gans

    generator, critic = adversarial_run.networks(config)
    algorithm = gans.gan(
        generator,
        critic,
        generator_optimizer=adversarial_run.optimizer(config),
        critic_optimizer=adversarial_run.optimizer(config),
        saturating=config.saturating,
        critic_steps=config.critic_steps,
        average_decay=config.average_decay,
    )
    return adversarial_run.train("gan", config, generator, critic, algorithm)


if __name__ == "__main__":
    main(Config, run)
