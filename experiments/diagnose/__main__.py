"""Is it the search or the generator? `python -m experiments.diagnose`."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from experiments.running.command_line import main
from experiments.running.options import (
    GeneratorOptions,
    TargetOptions,
    exclude,
    require,
)

OF_ADAM = ("steps", "starts", "learning_rate")
"""Flags of the search that --codes takes the place of."""


@dataclass(frozen=True)
class Config(GeneratorOptions, TargetOptions):
    """Say whether a bad inversion is the fault of the search or of the generator.

    A search like yours is judged: Adam with some gradients, or the codes that you have
    found yourself. It is compared with a thorough search, on images to invert and on
    images that the generator made itself.
    """

    own_images: int = 10
    """Number of images that the generator makes itself, to be found again."""
    steps: int = 1000
    """The search that is judged: number of gradients from each start."""
    starts: int = 4
    """The search that is judged: number of starts for each image."""
    learning_rate: float = 0.1
    """The search that is judged: Adam's step size, above 0."""
    prior_weight: float = 0.0
    """The search that is judged: weight κ, 0 or larger, of ½κ‖z‖² beside
    ½‖G(z) − x‖², pixels in [-1, 1]."""
    codes: Path | None = None
    """The codes that your own search found for these images, to be judged in place of
    Adam: a .npy array with a row for each image."""

    def check(self) -> None:
        """Raise a `UsageError` if a flag is out of range."""
        super().check()
        for name in ("own_images", "steps", "starts"):
            require(getattr(self, name) >= 1, self, name, "at least 1")
        require(self.learning_rate > 0, self, "learning_rate", "above 0")
        require(self.prior_weight >= 0, self, "prior_weight", "at least 0")
        if self.codes is not None:
            exclude(self, "--codes", OF_ADAM)


def run(config: Config) -> dict[str, Any]:
    """Diagnose, write everything into the output folder, and return the summary."""
    import jax

    from experiments.diagnose import evidence, judged, report, verdict
    from experiments.reporting import page
    from experiments.running import (
        datasets,
        duration,
        generators,
        progress,
        run_folder,
        targets,
    )
    from jaxgan import networks

    made = generators.unchecked(config)
    wanted = targets.wanted(config)
    check_key, key = jax.random.split(jax.random.key(config.seed))
    faults = networks.check(check_key, made)
    digits = made if faults else generators.in_digits(config, made)
    count, weight = len(wanted.images), config.prior_weight
    if faults or config.codes is None:
        search = judged.adam(
            digits, config.steps, config.starts, config.learning_rate, weight
        )
    else:
        search = judged.from_file(config.codes, digits, count, weight)
    out = run_folder.begin(
        "diagnose",
        config,
        config.source_name,
        wanted.name,
        wanted.images,
        generator=made,
    )
    print(f"{config.source}: {count} images of {wanted.name}, into {out}")
    trained = datasets.about_models({"checkpoint": config.model}, wanted.name)
    found = None
    if faults:
        result = report.of_record(faults)
    else:
        with progress.bar(out, 100, "%") as piece:
            found = evidence.gather(
                key, digits, wanted.images, search, config.own_images, piece
            )
        result = report.of_searches(search, found, verdict.decide(found))
    summary = {
        "experiment": "diagnose",
        "checkpoint": config.source,
        "dataset": wanted.name,
        **trained,
        **result,
        "wall_seconds": duration.elapsed(out),
    }
    run_folder.write_json(out / "summary.json", summary)
    if found is not None:
        words = summary["in_words"]
        report.write(out, digits, wanted.images, search, found, words)
    page.write(out)
    print(summary["in_words"])
    return summary


if __name__ == "__main__":
    main(Config, run)
