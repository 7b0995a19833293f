"""Find the codes of images: `python -m experiments.invert`."""

from dataclasses import dataclass
from typing import Any

from experiments.running.command_line import main
from experiments.running.errors import UsageError
from experiments.running.options import (
    GeneratorOptions,
    HostOptions,
    TargetOptions,
    require,
)


@dataclass(frozen=True)
class Config(GeneratorOptions, TargetOptions, HostOptions):
    """Find codes z with G(z) = x from many starts, and certify and count the minima."""

    starts: int = 64
    """Number of starts for each image."""
    survivors: int | None = None
    """Number of starts of each image that are followed to the end; default: all."""
    steps: int = 8
    """Number of steps of the search while the generator's rounded corners sharpen; with
    more of them the starts end in fewer minima."""
    corner_width: float = 0.0
    """Width of the rounded corners that each leaky ReLU of the generator gets, in the
    units of its input; 0: none, the generator with its kinks."""
    prior_weight: float = 0.01
    """Weight κ, 0 or larger, of ½κ‖z‖² beside ½‖G(z) − x‖², pixels in [-1, 1]."""
    resume: bool = False
    """Continue the run in --out with the images that are not done."""

    def check(self) -> None:
        """Raise a `UsageError` if a flag is out of range."""
        super().check()
        require(self.starts >= 1, self, "starts", "at least 1")
        require(self.steps >= 1, self, "steps", "at least 1")
        require(self.corner_width >= 0, self, "corner_width", "at least 0")
        require(self.prior_weight >= 0, self, "prior_weight", "at least 0")
        possible = self.survivors is None or 1 <= self.survivors <= self.starts
        require(possible, self, "survivors", "in 1…starts")


def run(config: Config) -> dict[str, Any]:
    """Invert, write everything into the output folder, and return the summary."""
    import jax

    from experiments.invert import report, search
    from experiments.reporting import page
    from experiments.running import datasets, duration, generators, run_folder, targets
    from jaxgan import networks

    generator = generators.load(config, with_kinks=True, any_size=True)
    if config.corner_width:
        try:
            generator = networks.round_corners(generator, config.corner_width)
        except ValueError as error:
            raise UsageError(f"--corner-width: {error}") from error
    wanted = targets.wanted(config, generator.image_shape)
    name = config.source_name
    out = run_folder.begin(
        "invert",
        config,
        name,
        wanted.name,
        wanted.images,
        generator=generator,
        resume=config.resume,
    )
    print(
        f"{config.source}: {len(wanted.images)} images of {wanted.name}, "
        f"{config.starts} starts each, into {out}"
    )
    trained = datasets.about_models({"checkpoint": config.model}, wanted.name)
    search_key, count_key = jax.random.split(jax.random.key(config.seed))
    plan = search.SearchPlan(
        search_key,
        num_starts=config.starts,
        survivors=config.survivors,
        max_steps=config.steps,
        prior_weight=config.prior_weight,
        part=max(1, 1024 // config.starts),
    )
    found = search.find_all(out, generator, wanted.images, plan)
    result = report.report(
        count_key, generator, wanted.images, found, config.prior_weight
    )
    seconds = duration.elapsed(out)
    summary = {
        "experiment": "invert",
        "checkpoint": config.source,
        "dataset": wanted.name,
        **trained,
        **result.summary,
        "images_per_second": len(wanted.images) / seconds,
        "wall_seconds": seconds,
    }
    summary["in_words"] = report.in_words(summary)
    run_folder.write_json(out / "summary.json", summary)
    report.write(out, wanted.images, found, result, config.seed)
    page.write(out)
    print(summary["in_words"])
    return summary


if __name__ == "__main__":
    main(Config, run)
