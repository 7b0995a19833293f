"""Judge a generator's samples: `python -m experiments.evaluate --checkpoint NAME`."""

from dataclasses import dataclass
from typing import Any

from experiments.running.command_line import main
from experiments.running.errors import UsageError
from experiments.running.options import LEAST_SAMPLES, GeneratorOptions, JudgeOptions


@dataclass(frozen=True)
class Config(GeneratorOptions, JudgeOptions):
    """Judge the samples of a generator against test images.

    Beside each metric stands its floor: the value that training images have in place of
    the samples.
    """


def run(config: Config) -> dict[str, Any]:
    """Judge, write everything into the output folder, and return the summary."""
    import jax

    from experiments.reporting import judging, page
    from experiments.running import datasets, duration, generators, progress, run_folder
    from jaxgan import evaluation, storage

    generator = generators.load(config)
    classify = storage.load_classifier(config.judge)
    training, reference = datasets.load(config)
    most = min(len(reference.images), len(training.images))
    count = config.samples or most
    if not LEAST_SAMPLES <= count <= most:
        raise UsageError(
            f"--samples must be in {LEAST_SAMPLES}…{most}, for {reference.name} has "
            f"{len(reference.images)} test and {len(training.images)} training images, "
            f"got {count}"
        )
    name = config.source_name
    arrays = reference.images, reference.labels
    out = run_folder.begin(
        "evaluate", config, name, reference.name, arrays, generator=generator
    )
    print(f"{config.source}: {count} samples against {reference.name}, into {out}")
    models = {"checkpoint": config.model, "judge": config.judge}
    trained = datasets.about_models(models, reference.name)

    key, draw_key = jax.random.split(jax.random.key(config.seed))
    with progress.bar(out, 100, "%") as piece:
        judgement = judging.evaluate(
            key,
            generator,
            classify,
            training.images,
            evaluation.draw_images(draw_key, reference.images, count),
            piece,
        )
    summary = {
        "experiment": "evaluate",
        "checkpoint": config.source,
        "dataset": reference.name,
        **trained,
        "n_samples": count,
        **judging.summary(judgement),
        "in_words": judging.in_words(judgement.columns),
        "wall_seconds": duration.elapsed(out),
    }
    run_folder.write_json(out / "summary.json", summary)
    table = judging.table(judgement.columns)
    (out / "table.md").write_text(table, encoding="utf-8")
    judging.figures(out, judgement)
    page.write(out)
    print(table, end="")
    return summary


if __name__ == "__main__":
    main(Config, run)
