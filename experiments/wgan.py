"""Train a WGAN-GP on digits: `python -m experiments.wgan`."""

from dataclasses import dataclass
from typing import Any

from experiments.running.command_line import main
from experiments.running.options import (
    AdversarialOptions,
    CriticInput,
    exclude,
    require,
)


@dataclass(frozen=True)
class Config(AdversarialOptions):
    """Train a Wasserstein GAN with gradient penalty (arXiv:1704.00028) on digits."""

    critic_input: CriticInput = "centred"
    learning_rate: float = 1e-3
    decay_after: int | None = 10_000
    beta1: float = -0.5
    penalty_weight: float = 10.0
    """Weight of the gradient penalty, 0 or larger."""
    penalty_target: float = 1.0
    """Norm of the critic's gradient, 0 or larger, at which the penalty is zero."""
    one_sided: bool = False
    """Penalise only gradient norms above the target."""

    def check(self) -> None:
        """Raise a `UsageError` if a flag is out of range."""
        super().check()
        for name in ("penalty_weight", "penalty_target"):
            require(getattr(self, name) >= 0, self, name, "at least 0")
        if self.penalty_weight == 0:
            exclude(self, "--penalty-weight 0", ["penalty_target", "one_sided"])


def run(config: Config) -> dict[str, Any]:
    """Train, write everything into the output folder, and return the summary."""
    from functools import partial

    from experiments.running import adversarial
    from jaxgan import gan

    objective = partial(
        gan.wgan_gp,
        penalty_weight=config.penalty_weight,
        penalty_target=config.penalty_target,
        one_sided=config.one_sided,
    )
    return adversarial.train("wgan", config, objective)


if __name__ == "__main__":
    main(Config, run)
