"""Compare recipes for the code of an image: `python -m experiments.recipes`."""

from dataclasses import dataclass
from typing import Any

from experiments.running.command_line import main
from experiments.running.options import DataOptions, require


@dataclass(frozen=True)
class Config(DataOptions):
    """Compare the published recipes and ours at equal numbers of gradients."""

    checkpoint: str = "mnist-wgan-gp"
    """Name of a shipped model, or the folder of a run."""
    images: int = 20
    """Test images to invert: the first ones."""
    budget: int = 10_000
    """Gradients for each image."""
    resume: bool = False
    """Go on with what the run in --out has not done."""

    def check(self) -> None:
        """Raise a `UsageError` for values that cannot be."""
        super().check()
        require(self.images >= 1, self, "images", "at least 1")
        require(self.budget >= 500, self, "budget", "at least 500")


def run(config: Config) -> dict[str, Any]:
    """Follow every recipe, write everything, and return the summary."""
    import time

    import jax

    from experiments.recipes import race, report
    from experiments.running import generators, run_folder, targets

    generator = generators.load(config.checkpoint)
    wanted = targets.first_digits(config.dataset, config.images, config.data_dir)
    out = run_folder.begin(
        "recipes", config, wanted.name, wanted.name, wanted.images, resume=config.resume
    )
    print(
        f"{config.checkpoint}: {len(wanted.images)} images of {wanted.name}, "
        f"{config.budget} gradients each, into {out}"
    )
    started = time.perf_counter()
    key = jax.random.key(config.seed)
    found = race.follow_all(out, generator, key, wanted.images, config.budget)
    summary = {
        "experiment": "recipes",
        "checkpoint": config.checkpoint,
        "dataset": wanted.name,
        **report.summary(found),
        "wall_seconds": time.perf_counter() - started,
    }
    report.write(out, found)
    run_folder.write_json(out / "summary.json", summary)
    print(report.table(found))
    return summary


if __name__ == "__main__":
    main(Config, run)
