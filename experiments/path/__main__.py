"""Find paths from one digit to another: `python -m experiments.path`."""

from dataclasses import dataclass
from typing import Any, Literal

from experiments.running.command_line import main
from experiments.running.options import (
    LARGEST,
    DataOptions,
    GeneratorOptions,
    HostOptions,
    require,
)

SHARES = {"codes": 20, "paths": 26, "images and methods": 54}
"""Parts of the time in percent, with the default flags; for the progress bar only."""


@dataclass(frozen=True)
class Config(GeneratorOptions, DataOptions, HostOptions):
    """Find the path of least energy between each of several pairs of codes.

    It is compared with the straight line and with spherical interpolation (slerp):
    energies with error bars, and how much the images along the path look like digits.
    """

    codes: Literal["digits", "prior"] = "digits"
    """digits: codes of the first test digits, found by inversion; prior: codes drawn
    at random from the prior."""
    prior_weight: float | None = None
    """κ, with which the codes of digits are searched for: the weight of the squared
    norm of a code, at least 0; default: 0.01. Larger weights give shorter codes that
    fit less well. Only with --codes digits."""
    pairs: int = 20
    """Pairs of codes; at least 1. The two digits of a pair are of different classes."""
    segments: int = 128
    """Segments of each path: a power of two, at least 32."""
    starts: int = 4
    """Starts for each pair, at least 1: the straight line, then lines with random
    bows."""
    judge: str = "mnist-classifier"
    """Classifier whose confidence tells how much an image looks like a digit: a shipped
    model, or a model folder."""
    compared: int | None = None
    """Pairs on which methods that find paths are compared, from 0 (no comparison) to
    --pairs; default: 5, or all if there are fewer."""

    def check(self) -> None:
        """Raise a `UsageError` if a flag is out of range."""
        super().check()
        for name in ("pairs", "starts"):
            require(getattr(self, name) >= 1, self, name, "at least 1")
        weight = self.prior_weight
        holds = weight is None or (0 <= weight < LARGEST and self.codes == "digits")
        require(holds, self, "prior_weight", "at least 0, and with --codes digits")
        power = self.segments >= 32 and self.segments & (self.segments - 1) == 0
        require(power, self, "segments", "a power of two, at least 32")
        fits = self.compared is None or 0 <= self.compared <= self.pairs
        require(fits, self, "compared", "in 0…pairs")


def run(config: Config) -> dict[str, Any]:
    """Find the paths, write everything into the output folder, return the summary."""
    import time

    import jax

    from experiments.path import pairs, report, search
    from experiments.reporting import page
    from experiments.running import datasets, duration, generators, progress, run_folder
    from jaxgan import storage

    generator = generators.load(config)
    classify = storage.load_classifier(config.judge)
    training, test = datasets.load(config, with_labels=config.codes == "digits")
    name = config.source_name
    arrays = test.images, test.labels
    out = run_folder.begin("path", config, name, test.name, arrays, generator=generator)
    print(
        f"{config.source}: {config.pairs} pairs of {config.codes}, "
        f"{config.segments} segments, into {out}"
    )
    models = {"checkpoint": config.model, "judge": config.judge}
    trained = datasets.about_models(models, test.name)
    pair_key, search_key, scale_key = jax.random.split(jax.random.key(config.seed), 3)
    weight = config.prior_weight
    if config.codes == "digits" and weight is None:
        weight = pairs.PRIOR_WEIGHT
    started = time.perf_counter()
    compared = min(5, config.pairs) if config.compared is None else config.compared
    with progress.bar(out, 100, "%") as piece:
        with piece("codes", SHARES["codes"]):
            if weight is not None:
                chosen = pairs.of_digits(
                    pair_key, generator, test, config.pairs, weight
                )
            else:
                chosen = pairs.of_prior(pair_key, generator, config.pairs)
        with piece("paths", SHARES["paths"]):
            found = search.find(
                search_key, generator, chosen, config.segments, config.starts
            )
        seconds = time.perf_counter() - started
        with piece("images and methods", SHARES["images and methods"]):
            analysis = report.analyse(
                scale_key,
                generator,
                classify,
                training.images,
                test.images,
                chosen,
                found,
                compared,
            )
    summary = {
        "experiment": "path",
        "checkpoint": config.source,
        "dataset": test.name,
        **trained,
        "codes": config.codes,
        "prior_weight": weight,
        "segments": config.segments,
        "starts": config.starts,
        **analysis.summary,
        "search_seconds": seconds,
        "wall_seconds": duration.elapsed(out),
    }
    summary["in_words"] = report.in_words(summary)
    run_folder.write_json(out / "summary.json", summary)
    report.write(out, chosen, found, analysis)
    page.write(out)
    print(summary["in_words"])
    return summary


if __name__ == "__main__":
    main(Config, run)
