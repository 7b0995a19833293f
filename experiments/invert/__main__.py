"""Find the codes of images: `python -m experiments.invert`."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from experiments.running.command_line import main
from experiments.running.options import DataOptions, HostOptions, require


@dataclass(frozen=True)
class Config(DataOptions, HostOptions):
    """Find codes z with G(z) = x from many starts, and say what minima they end in."""

    checkpoint: str = "mnist-wgan-gp"
    """Name of a shipped model, or the folder of a run."""
    images: int = 10
    """Test images to invert: the first ones."""
    targets: tuple[Path, ...] = ()
    """Own images to invert in their place: .npy arrays, PNG, …"""
    resize: bool = False
    """Scale own images to 28 × 28 pixels."""
    starts: int = 64
    """Starts for each image."""
    survivors: int | None = None
    """Give up the worse starts of an image until so many are left; default: none."""
    prior_weight: float = 0.01
    """κ of ½κ‖z‖² beside ½‖G(z) − x‖², pixels in [-1, 1]; 0 lets codes run far."""
    resume: bool = False
    """Go on with the images that the run in --out has not done."""

    def check(self) -> None:
        """Raise a `UsageError` for values that cannot be."""
        super().check()
        for name in ("images", "starts"):
            require(getattr(self, name) >= 1, self, name, "at least 1")
        require(self.prior_weight >= 0, self, "prior_weight", "at least 0")
        possible = self.survivors is None or 1 <= self.survivors <= self.starts
        require(possible, self, "survivors", "in 1…starts")


def run(config: Config) -> dict[str, Any]:
    """Invert, write everything into the output folder, and return the summary."""
    import time

    import jax

    from experiments.invert import report, search
    from experiments.running import generators, run_folder, targets

    generator = generators.load(config.checkpoint)
    if config.targets:
        wanted = targets.from_files(config.targets, resize=config.resize)
    else:
        wanted = targets.first_digits(config.dataset, config.images, config.data_dir)
    name = Path(config.checkpoint).name
    out = run_folder.begin(
        "invert", config, name, wanted.name, wanted.images, resume=config.resume
    )
    print(
        f"{config.checkpoint}: {len(wanted.images)} images of {wanted.name}, "
        f"{config.starts} starts each, into {out}"
    )
    search_key, count_key = jax.random.split(jax.random.key(config.seed))
    plan = search.Plan(
        search_key,
        config.starts,
        config.survivors,
        config.prior_weight,
        max(1, 1024 // config.starts),
    )
    started = time.perf_counter()
    found = search.find_all(out, generator, wanted.images, plan)
    seconds = time.perf_counter() - started
    made = report.report(count_key, generator, wanted.images, found)
    summary = {
        "experiment": "invert",
        "checkpoint": config.checkpoint,
        "dataset": wanted.name,
        **made.summary,
        "images_per_second": len(wanted.images) / seconds,
        "wall_seconds": seconds,
    }
    report.write(out, wanted.images, found, made, config.seed)
    run_folder.write_json(out / "summary.json", summary)
    print(report.in_words(summary))
    return summary


if __name__ == "__main__":
    main(Config, run)
