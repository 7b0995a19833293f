"""Train a WGAN-GP on digits: `python -m experiments.wgan`."""

from dataclasses import dataclass
from typing import Any

from experiments.running.command_line import main
from experiments.running.options import AdversarialOptions, require


@dataclass(frozen=True)
class Config(AdversarialOptions):
    """Train a Wasserstein GAN with gradient penalty (arXiv:1704.00028) on digits."""

    penalty_weight: float = 10.0
    """Weight of the gradient penalty; 0 or larger."""
    penalty_target: float = 1.0
    """Gradient norm that costs nothing."""
    one_sided: bool = False
    """Penalise only norms above the target."""

    def check(self) -> None:
        """Raise a `UsageError` for values that cannot be."""
        super().check()
        require(self.penalty_weight >= 0, self, "penalty_weight", "at least 0")


def run(config: Config) -> dict[str, Any]:
    """Train, write everything into the output folder, and return the summary."""
    from experiments.running import adversarial
    from jaxgan import gan

    generator, critic = adversarial.networks(config)
    algorithm = gan.wgan_gp(
        generator,
        critic,
        generator_optimizer=adversarial.optimizer(config),
        critic_optimizer=adversarial.optimizer(config),
        penalty_weight=config.penalty_weight,
        penalty_target=config.penalty_target,
        one_sided=config.one_sided,
        critic_steps=config.critic_steps,
        average_decay=config.average_decay,
    )
    return adversarial.train("wgan", config, generator, critic, algorithm)


if __name__ == "__main__":
    main(Config, run)
