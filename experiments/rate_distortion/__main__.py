"""What do codes cost, and buy? `python -m experiments.rate_distortion`."""

from dataclasses import dataclass
from typing import Any

from experiments.running.command_line import main
from experiments.running.errors import UsageError
from experiments.running.options import DataOptions, require


@dataclass(frozen=True)
class Config(DataOptions):
    """Train autoencoders of binary digits at several β, with Gaussian and Echo codes.

    Both have the same networks, optimiser, starting weights, data and order.
    """

    resume: bool = False
    """Go on with the models that the run in --out has not done."""
    betas: tuple[float, ...] = (0.05, 0.2, 0.5, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0, 30.0)
    """Weights of the rate."""
    seeds: int = 3
    """Models at each β."""
    units: int = 200
    """Of the hidden layer, in encoder and decoder."""
    latent_dim: int = 32
    """Dimensions of the latent space."""
    epochs: int = 25
    """Passes over the training images."""
    batch_size: int = 128
    """Images in each batch."""
    learning_rate: float = 2e-3
    """Adam's step size at the start; it falls to zero along a cosine."""
    depth: int = 99
    """Images in the noise of an Echo code."""
    likelihood_images: int = 200
    """Test images whose log-likelihood is estimated."""
    likelihood_draws: int = 200
    """Importance-weighted draws for each of them."""

    def check(self) -> None:
        """Raise a `UsageError` for values that cannot be."""
        super().check()
        positive = ("seeds", "units", "latent_dim", "epochs", "depth")
        for name in (*positive, "likelihood_images", "likelihood_draws"):
            require(getattr(self, name) >= 1, self, name, "at least 1")
        require(bool(self.betas), self, "betas", "at least one")
        require(min(self.betas) >= 0, self, "betas", "all at least 0")
        distinct = len(set(self.betas)) == len(self.betas)
        require(distinct, self, "betas", "all different")
        require(0 < self.learning_rate < 1, self, "learning_rate", "in (0, 1)")
        require(self.batch_size > self.depth, self, "batch_size", "more than --depth")


def run(config: Config) -> dict[str, Any]:
    """Train, measure, write everything into the output folder, return the summary."""
    import time

    import jax

    from experiments.rate_distortion import frontiers, models, report, sweep
    from experiments.running import run_folder
    from jaxgan import data

    train = data.load(config.dataset, "train", data_dir=config.data_dir)
    test = data.load(train.name, "test", data_dir=config.data_dir)
    if config.batch_size > len(train.images):
        raise UsageError(f"--batch-size must be at most {len(train.images)} here")
    if config.depth >= len(test.images):
        raise UsageError(f"--depth must be below the {len(test.images)} test images")
    out = run_folder.begin(
        "rate_distortion",
        config,
        train.name,
        train.name,
        (train.images, test.images),
        resume=config.resume,
    )
    count = 2 * len(config.betas) * config.seeds
    print(f"{count} autoencoders of {train.name}, into {out}")

    started = time.perf_counter()
    data_key, sweep_key = jax.random.split(jax.random.key(config.seed))
    digits = sweep.digits_of(data_key, train, test)
    recipe = models.Recipe(
        config.units,
        config.latent_dim,
        config.epochs,
        config.batch_size,
        config.learning_rate,
        config.depth,
    )
    plan = sweep.Plan(
        config.betas,
        config.seeds,
        recipe,
        config.likelihood_images,
        config.likelihood_draws,
    )
    found = sweep.sweep(out, sweep_key, digits, plan)
    curves = report.curves_of(found)
    compared = None
    if config.seeds > 1:
        compared = frontiers.dominance(config.seed, curves["gaussian"], curves["echo"])
    floor = float(found["echo"].exactness["floor"][0, 0])
    limits = report.limits_of(digits, floor)
    rows = report.rows(found, config.betas)
    numbers = report.summary(rows, compared, limits, config.epochs)
    summary = {
        "experiment": "rate_distortion",
        "dataset": train.name,
        "seeds": config.seeds,
        "epochs": config.epochs,
        **numbers,
        "wall_seconds": time.perf_counter() - started,
    }
    report.write(out, digits, found, config.betas, compared, limits, rows)
    run_folder.write_json(out / "summary.json", summary)
    print(report.table(rows))
    print(report.in_words(summary))
    return summary


if __name__ == "__main__":
    main(Config, run)
