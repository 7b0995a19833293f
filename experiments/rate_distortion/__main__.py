"""Measure rates and distortions of codes: `python -m experiments.rate_distortion`."""

from dataclasses import dataclass
from typing import Any

from experiments.running.command_line import main
from experiments.running.errors import UsageError
from experiments.running.options import DataOptions, require


@dataclass(frozen=True)
class Config(DataOptions):
    """Train autoencoders of binary digits at several β, with Gaussian and Echo codes.

    They minimise distortion + β · rate: what is lost of an image, plus β times what the
    code tells of it. Both kinds have the same networks, optimiser, starting weights,
    images and order of images.
    """

    resume: bool = False
    """Continue the run in --out with the models that are not finished yet."""
    betas: tuple[float, ...] = (0.05, 0.2, 0.5, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0, 30.0)
    """Weights of the rate: one or more different ones, at least 0."""
    seeds: int = 3
    """Models of each kind at each β."""
    units: int = 200
    """Width of the hidden layer, in encoder and decoder."""
    training_images: int | None = None
    """Training images, drawn from all; at least --batch-size. Default: all."""
    latent_dim: int = 32
    """Dimensions of the latent space."""
    steps: int = 775
    """Training steps of each model. The default takes minutes with any dataset; the
    published results with MNIST are of 9,360 steps, 20 passes over its images."""
    batch_size: int = 128
    """Images in each batch; more than --depth."""
    learning_rate: float = 2e-3
    """Adam's step size at the start, in (0, 1); it falls to zero along a cosine."""
    depth: int = 99
    """Other images from which the noise of an Echo code is drawn."""
    likelihood_images: int = 200
    """Test images whose log-likelihood is estimated."""
    likelihood_draws: int = 200
    """Importance-weighted draws for each of these images."""

    def check(self) -> None:
        """Raise a `UsageError` if a flag is out of range."""
        super().check()
        positive = ("seeds", "units", "latent_dim", "steps", "depth")
        for name in (*positive, "likelihood_images", "likelihood_draws"):
            require(getattr(self, name) >= 1, self, name, "at least 1")
        some = self.training_images is None or self.training_images >= 1
        require(some, self, "training_images", "at least 1")
        require(bool(self.betas), self, "betas", "at least one")
        require(min(self.betas) >= 0, self, "betas", "all at least 0")
        distinct = len(set(self.betas)) == len(self.betas)
        require(distinct, self, "betas", "all different")
        require(0 < self.learning_rate < 1, self, "learning_rate", "in (0, 1)")
        require(self.batch_size > self.depth, self, "batch_size", "more than --depth")


def run(config: Config) -> dict[str, Any]:
    """Train, measure, write everything into the output folder, return the summary."""
    import jax

    from experiments.rate_distortion import frontiers, models, report, sweep
    from experiments.reporting import page
    from experiments.running import datasets, duration, run_folder

    train, test = datasets.load(config)
    there = len(train.images)
    count = there if config.training_images is None else config.training_images
    if count > there:
        raise UsageError(f"--training-images must be at most {there} here")
    if config.batch_size > count:
        raise UsageError(f"--batch-size must be at most {count} here")
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
    total = 2 * len(config.betas) * config.seeds
    print(f"{total} autoencoders of {train.name}, into {out}")

    data_key, sweep_key = jax.random.split(jax.random.key(config.seed))
    digits = sweep.digits_of(data_key, train, test, count)
    plan = sweep.Plan(
        betas=config.betas,
        seeds=config.seeds,
        options=models.Hyperparameters(
            units=config.units,
            latent_dim=config.latent_dim,
            steps=config.steps,
            batch_size=config.batch_size,
            learning_rate=config.learning_rate,
            depth=config.depth,
        ),
        likelihood_images=config.likelihood_images,
        likelihood_draws=config.likelihood_draws,
    )
    results = sweep.sweep(out, sweep_key, digits, plan)
    curves = report.curves_of(results)
    compared = None
    if config.seeds > 1 and all(len(curve.rates) for curve in curves.values()):
        compared = frontiers.dominance(config.seed, curves["gaussian"], curves["echo"])
    floor = float(results["echo"].exactness["floor"][0, 0])
    limits = report.limits_of(digits, floor)
    rows = report.rows(results, config.betas)
    numbers = report.summary(rows, compared, limits, config.steps)
    summary = {
        "experiment": "rate_distortion",
        "dataset": train.name,
        "seeds": config.seeds,
        "steps": config.steps,
        **numbers,
        "wall_seconds": duration.elapsed(out),
    }
    summary["in_words"] = report.in_words(summary)
    run_folder.write_json(out / "summary.json", summary)
    report.write(out, digits, results, config.betas, compared, limits, rows)
    page.write(out)
    print(report.table(rows) + report.gaps_table(results, config.betas))
    print(summary["in_words"])
    return summary


if __name__ == "__main__":
    main(Config, run)
