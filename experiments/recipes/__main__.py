"""Compare recipes for finding codes of images: `python -m experiments.recipes`."""

from dataclasses import dataclass
from typing import Any

from experiments.running.command_line import main
from experiments.running.options import DataOptions, GeneratorOptions, require


@dataclass(frozen=True)
class Config(GeneratorOptions, DataOptions):
    """Find codes of test images by published recipes and by ours, at equal cost."""

    images: int = 20
    """Number of test images to invert, beginning with the first."""
    budget: int = 10_000
    """Number of gradients for each image, 500 or more."""
    resume: bool = False
    """Continue the run in --out with what is not done."""

    def check(self) -> None:
        """Raise a `UsageError` if a flag is out of range."""
        super().check()
        require(self.images >= 1, self, "images", "at least 1")
        require(self.budget >= 500, self, "budget", "at least 500")


def run(config: Config) -> dict[str, Any]:
    """Run every recipe, write everything, and return the summary."""
    import jax

    from experiments.recipes import race, report
    from experiments.reporting import page
    from experiments.running import datasets, duration, generators, run_folder, targets

    generator = generators.load(config, with_kinks=True)
    wanted = targets.first_images(config, config.images)
    out = run_folder.begin(
        "recipes",
        config,
        wanted.name,
        wanted.name,
        wanted.images,
        generator=generator,
        resume=config.resume,
    )
    print(
        f"{config.source}: {len(wanted.images)} images of {wanted.name}, "
        f"{config.budget} gradients each, into {out}"
    )
    trained = datasets.about_models({"checkpoint": config.model}, wanted.name)
    key = jax.random.key(config.seed)
    found = race.run_all(out, generator, key, wanted.images, config.budget)
    summary = {
        "experiment": "recipes",
        "checkpoint": config.source,
        "dataset": wanted.name,
        **trained,
        **report.summary(found),
        "wall_seconds": duration.elapsed(out),
    }
    summary["in_words"] = report.in_words(summary)
    run_folder.write_json(out / "summary.json", summary)
    report.write(out, found)
    page.write(out)
    print(report.table(found), end="")
    return summary


if __name__ == "__main__":
    main(Config, run)
