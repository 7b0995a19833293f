"""Count minima while kinks are rounded off: `python -m experiments.kinks`."""

from dataclasses import dataclass
from typing import Any

from experiments.running.command_line import main
from experiments.running.options import GeneratorOptions, TargetOptions, require


@dataclass(frozen=True)
class Config(GeneratorOptions, TargetOptions):
    """Count the minima of a generator, and of the same one with rounded corners.

    Every leaky ReLU gets a corner of one width in place of its kink, so that the
    network is smooth. For each width the minima are counted twice: from starts that see
    this network from the first step on, and from starts that see wide corners first,
    which sharpen to the width.
    """

    widths: tuple[float, ...] = (1.0, 0.3, 0.1, 0.03, 0.01, 0.003)
    """Widths of the corners, in units of the leaky ReLUs' inputs, above 0; the
    generator with its kinks is always there too."""
    images: int = 5
    """Number of test images to invert, beginning with the first."""
    starts: int = 32
    """Number of starts for each image, at least 2."""
    steps: int = 8
    """Number of steps of each search, before the end points are settled."""
    prior_weight: float = 0.01
    """Weight κ, 0 or larger, of ½κ‖z‖² beside ½‖G(z) − x‖², pixels in [-1, 1]."""
    resume: bool = False
    """Continue the run in --out with the widths that are not done."""

    def check(self) -> None:
        """Raise a `UsageError` if a flag is out of range."""
        super().check()
        holds = len(self.widths) > 0 and all(0 < w < float("inf") for w in self.widths)
        holds = holds and len(set(self.widths)) == len(self.widths)
        require(holds, self, "widths", "different, above 0, and at least one")
        require(self.starts >= 2, self, "starts", "at least 2")
        require(self.steps >= 1, self, "steps", "at least 1")
        require(self.prior_weight >= 0, self, "prior_weight", "at least 0")


def run(config: Config) -> dict[str, Any]:
    """Count, write everything into the output folder, and return the summary."""
    import jax

    from experiments.kinks import report, search
    from experiments.reporting import page
    from experiments.running import datasets, duration, generators, run_folder, targets
    from experiments.running.errors import UsageError
    from jaxgan import networks

    generator = generators.load(config, with_kinks=True, any_size=True)
    try:
        networks.round_corners(generator, config.widths[0])
    except ValueError as error:
        raise UsageError(f"--widths: {error}") from error
    wanted = targets.wanted(config, generator.image_shape)
    out = run_folder.begin(
        "kinks",
        config,
        config.source_name,
        wanted.name,
        wanted.images,
        generator=generator,
        resume=config.resume,
    )
    print(
        f"{config.source}: {len(wanted.images)} images of {wanted.name}, "
        f"{config.starts} starts each, {len(config.widths)} widths, into {out}"
    )
    search_key, interval_key = jax.random.split(jax.random.key(config.seed))
    found = search.find_all(
        out,
        generator,
        wanted.images,
        search.Plan(
            search_key,
            widths=config.widths,
            num_starts=config.starts,
            max_steps=config.steps,
            prior_weight=config.prior_weight,
        ),
    )
    rows = report.rows(interval_key, found)
    summary = {
        "experiment": "kinks",
        "checkpoint": config.source,
        "dataset": wanted.name,
        **datasets.about_models({"checkpoint": config.model}, wanted.name),
        "images": len(wanted.images),
        "starts": config.starts,
        **report.summary(rows),
        "wall_seconds": duration.elapsed(out),
    }
    summary["in_words"] = report.in_words(rows)
    run_folder.write_json(out / "summary.json", summary)
    report.write(out, rows)
    page.write(out)
    print(summary["in_words"])
    print(report.table(rows), end="")
    return summary


if __name__ == "__main__":
    main(Config, run)
