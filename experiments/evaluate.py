"""Judge a generator's samples: `python -m experiments.evaluate --checkpoint NAME`."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from experiments.running.command_line import main
from experiments.running.errors import UsageError
from experiments.running.options import DataOptions, require


@dataclass(frozen=True)
class Config(DataOptions):
    """Judge the samples of a generator against real test images, beside the floors."""

    checkpoint: str = "mnist-wgan-gp"
    """Name of a shipped model, or the model folder of a run."""
    judge: str = "mnist-classifier"
    """Classifier whose features are compared: a shipped one, or a model folder."""
    samples: int | None = None
    """Samples to judge, against as many test images; default: all test images."""

    def check(self) -> None:
        """Raise a `UsageError` for values that cannot be."""
        super().check()
        require(self.samples is None or self.samples >= 20, self, "samples", "≥ 20")


def run(config: Config) -> dict[str, Any]:
    """Judge, write everything into the output folder, and return the summary."""
    import jax

    from experiments.reporting import judging
    from experiments.running import run_folder
    from jaxgan import data, evaluation, storage

    generator = storage.load_generator(config.checkpoint)
    classify = storage.load_classifier(config.judge)
    reference = data.load(config.dataset, "test", data_dir=config.data_dir)
    training = data.load(reference.name, "train", data_dir=config.data_dir)
    count = config.samples or len(reference.images)
    if count > len(reference.images):
        raise UsageError(
            f"--samples must be at most {len(reference.images)}, the test images of "
            f"{reference.name}, got {count}"
        )
    name = Path(config.checkpoint).name
    arrays = reference.images, reference.labels
    out = run_folder.begin("evaluate", config, name, reference.name, arrays)
    print(f"{config.checkpoint}: {count} samples against {reference.name}, into {out}")

    key, draw_key = jax.random.split(jax.random.key(config.seed))
    result = judging.evaluate(
        key,
        generator,
        classify,
        training.images,
        evaluation.draw_images(draw_key, reference.images, count),
    )
    table = judging.table(result.columns)
    print(table, end="")
    (out / "table.md").write_text(table)
    judging.figures(out, result)
    summary = {
        "experiment": "evaluate",
        "checkpoint": config.checkpoint,
        "dataset": reference.name,
        "n_samples": count,
        **judging.flat(result),
    }
    run_folder.write_json(out / "summary.json", summary)
    return summary


if __name__ == "__main__":
    main(Config, run)
