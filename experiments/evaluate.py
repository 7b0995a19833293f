"""Judge a generator's samples: `python -m experiments.evaluate --checkpoint NAME`."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from experiments.command_line import UsageError, main


@dataclass(frozen=True)
class Config:
    """Judge the samples of a generator against real test images, beside the floors."""

    checkpoint: str = "mnist-wgan-gp"
    """Name of a shipped model, or the model folder of a run."""
    judge: str = "mnist-classifier"
    """Classifier whose features are compared: a shipped one, or a model folder."""
    out: Path | None = None
    """Folder for the results; default runs/evaluate-<checkpoint>-<seed>."""
    overwrite: bool = False
    """Delete the evaluation that is in --out first."""
    seed: int = 0
    """Fixes every random number; 0 or larger."""
    dataset: Literal["auto", "sample", "mnist", "fashion_mnist", "kmnist"] = "auto"
    """What to compare with; auto: MNIST if at hand, else the embedded sample."""
    data_dir: Path | None = None
    """Folder with the four official IDX files of the dataset."""
    samples: int | None = None
    """Samples to judge, against as many test images; default: all test images."""

    def check(self) -> None:
        """Raise a `UsageError` for values that cannot be."""
        if not 0 <= self.seed < 2**32:
            raise UsageError(f"--seed must be in [0, 2^32), got {self.seed}")
        if self.samples is not None and self.samples < 20:
            raise UsageError(f"--samples must be at least 20, got {self.samples}")


def run(config: Config) -> dict[str, Any]:
    """Judge, write everything into the output folder, and return the summary."""
    config.check()
    import dataclasses

    import jax

    from experiments import run_folder, verdicts
    from jaxgan import data, models

    generator = models.load_generator(config.checkpoint)
    classify = models.load_classifier(config.judge)
    reference = data.load(config.dataset, "test", data_dir=config.data_dir)
    training = data.load(reference.name, "train", data_dir=config.data_dir)
    count = config.samples or len(reference.images)
    if count > len(reference.images):
        raise UsageError(
            f"--samples must be at most {len(reference.images)}, the test images of "
            f"{reference.name}, got {count}"
        )
    name = Path(config.checkpoint).name
    out = config.out or Path("runs") / f"evaluate-{name}-{config.seed}"
    record = dataclasses.asdict(config) | {"dataset": reference.name}
    record = {key: str(v) if isinstance(v, Path) else v for key, v in record.items()}
    run_folder.open_run_folder(out, record, resume=False, overwrite=config.overwrite)
    print(f"{config.checkpoint}: {count} samples against {reference.name}, into {out}")

    result = verdicts.evaluate(
        jax.random.key(config.seed),
        generator,
        classify,
        training.images,
        reference.images[:count],
    )
    table = verdicts.table(result.columns)
    print(table)
    (out / "table.md").write_text(table + "\n")
    verdicts.figures(out, result)
    summary = {
        "experiment": "evaluate",
        "checkpoint": config.checkpoint,
        "dataset": reference.name,
        "n_samples": count,
        **verdicts.flat(result),
    }
    run_folder.write_json(out / "summary.json", summary)
    return summary


if __name__ == "__main__":
    main(Config, run)
