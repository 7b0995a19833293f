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
    from experiments.running import adversarial
    from jaxgan import gan

    generator, critic = adversarial.networks(config)
    algorithm = gan.vanilla_gan(
        generator,
        critic,
        generator_optimizer=adversarial.optimizer(config),
        critic_optimizer=adversarial.optimizer(config),
        saturating=config.saturating,
        critic_steps=config.critic_steps,
        average_decay=config.average_decay,
    )
    return adversarial.train("gan", config, generator, critic, algorithm)


if __name__ == "__main__":
    main(Config, run)
