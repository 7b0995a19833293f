"""Recover the codes of a generator's own images: `python -m experiments.recover`."""

from dataclasses import dataclass
from typing import Any

from experiments.running.command_line import main
from experiments.running.options import GeneratorOptions, HostOptions, require


@dataclass(frozen=True)
class Config(GeneratorOptions, HostOptions):
    """Find the code z from its image G(z), and compare the code found with z."""

    checkpoint: str = "mnist-wgan-gp-expansive"
    """Generator: name of a shipped model, or folder of a run."""
    images: int = 100
    """Number of images to generate, from standard normal codes."""
    starts: int = 16
    """Largest number of starts for each image."""
    resume: bool = False
    """Continue the run in --out with the images that are not done."""

    def check(self) -> None:
        """Raise a `UsageError` if a flag is out of range."""
        super().check()
        for name in ("images", "starts"):
            require(getattr(self, name) >= 1, self, name, "at least 1")


def run(config: Config) -> dict[str, Any]:
    """Recover the codes, write everything, and return the summary."""
    import jax

    from experiments.recover import report, search
    from experiments.reporting import page
    from experiments.running import duration, generators, run_folder

    generator = generators.load(config, with_tanh=True)
    name = config.source_name
    out = run_folder.begin(
        "recover",
        config,
        name,
        "prior",
        (),
        generator=generator,
        resume=config.resume,
    )
    print(
        f"{config.source}: {config.images} images of its own, at most "
        f"{config.starts} starts each, into {out}"
    )
    found = search.recover_all(
        out, generator, jax.random.key(config.seed), config.images, config.starts
    )
    summary = {
        "experiment": "recover",
        "checkpoint": config.source,
        **report.summary(found),
        "wall_seconds": duration.elapsed(out),
    }
    summary["in_words"] = report.in_words(summary)
    run_folder.write_json(out / "summary.json", summary)
    report.write(out, found)
    page.write(out)
    print(summary["in_words"])
    return summary


if __name__ == "__main__":
    main(Config, run)
