"""Train generators whose paths are cheap: `python -m experiments.path_gan`."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from experiments.running.command_line import main
from experiments.running.errors import UsageError
from experiments.running.options import DataOptions, require

MORE = ("seeds", "path_weights", "line_weights", "length_weights")
"""What a sweep may have more of when it is resumed: each run stands alone."""


@dataclass(frozen=True)
class Config(DataOptions):
    """Penalise dear paths in training, sweep the weight, and compare with controls.

    path: log ρ of paths of least energy; line: the same on straight lines; length:
    StyleGAN2's path length regularisation. All are beside the same algorithm, with the
    same seeds and generator steps; without a penalty it is also given equal time.
    """

    resume: bool = False
    """Go on after the last run that was finished."""
    algorithm: Literal["wgan", "gan"] = "wgan"
    """What the penalties are added to."""
    path_weights: tuple[float, ...] = (1.0, 10.0)
    """Weights of the penalty on paths of least energy."""
    line_weights: tuple[float, ...] = (10.0,)
    """Weights of the penalty on straight lines."""
    length_weights: tuple[float, ...] = (10.0,)
    """Weights of the path length regularisation."""
    every: int = 8
    """Steps from one use of a penalty to the next; a use counts as many times."""
    seeds: int = 3
    """Runs of each."""
    steps: int = 2000
    """Generator steps of each run."""
    chunk: int = 50
    """Steps between two looks at signals; divides --steps."""
    batch_size: int = 64
    """Images in each batch."""
    average_decay: float = 0.995
    """Decay of the generator's moving average, which is judged."""
    latent_dim: int = 32
    """Dimensions of the latent space."""
    widths: tuple[int, ...] = (128, 256, 512)
    """Hidden widths of the generator."""
    pairs: int = 24
    """Held-out pairs of codes, the same for all runs."""
    segments: int = 128
    """Of their paths: 16, 32, 64, …"""
    digits: int = 24
    """Held-out digits that are inverted."""
    judge: str = "mnist-classifier"
    """Classifier whose features are compared: a shipped one, or a model folder."""
    samples: int | None = None
    """Samples to judge, against as many test images; default: all test images."""

    def check(self) -> None:
        """Raise a `UsageError` for values that cannot be."""
        super().check()
        for name in ("every", "steps", "chunk", "batch_size", "latent_dim", "digits"):
            require(getattr(self, name) >= 1, self, name, "at least 1")
        for name in ("path_weights", "line_weights", "length_weights"):
            weights = getattr(self, name)
            holds = all(0 < w < float("inf") for w in weights)
            holds = holds and len(set(weights)) == len(weights)
            require(holds, self, name, "different, and above 0")
        require(len(self.path_weights) > 0, self, "path_weights", "at least one")
        require(self.seeds >= 2, self, "seeds", "at least 2")
        require(self.pairs >= 4, self, "pairs", "at least 4")
        require(self.steps % self.chunk == 0, self, "chunk", "a divisor of --steps")
        require(0 <= self.average_decay < 1, self, "average_decay", "in [0, 1)")
        require(min(self.widths, default=0) >= 1, self, "widths", "all at least 1")
        power = self.segments >= 16 and self.segments & (self.segments - 1) == 0
        require(power, self, "segments", "a power of two, at least 16")
        require(self.samples is None or self.samples >= 20, self, "samples", "≥ 20")


def run(config: Config) -> dict[str, Any]:
    """Train, judge, write the report, and return the summary."""
    from functools import partial

    import jax
    import jax.numpy as jnp
    import numpy as np

    from experiments.path_gan import arms, judge, report, trials
    from experiments.running import record, run_folder
    from experiments.running.interruption import stop_requested
    from jaxgan import data, evaluation, networks, parallel, pixels, storage

    classify = storage.load_classifier(config.judge)
    real = data.load(config.dataset, "train", data_dir=config.data_dir)
    heldout = data.load(real.name, "test", data_dir=config.data_dir)
    count = config.samples or len(heldout.images)
    if config.batch_size > len(real.images):
        raise UsageError(f"--batch-size must be at most {len(real.images)}")
    if max(count, config.digits) > len(heldout.images):
        most = len(heldout.images)
        raise UsageError(f"--samples and --digits must be at most {most}")
    out = run_folder.begin(
        "path_gan",
        config,
        real.name,
        real.name,
        (real.images, real.labels),
        resume=config.resume,
        may_change=(*record.MAY_CHANGE_ON_RESUME, *MORE),
    )
    compared = arms.arms(
        {
            "path": config.path_weights,
            "line": config.line_weights,
            "length": config.length_weights,
        }
    )
    print(f"path_gan: {len(compared)} × {config.seeds} runs, results in {out}")
    key, bench_key, draw_key, pair_key = jax.random.split(
        jax.random.key(config.seed), 4
    )
    bench = judge.Bench(
        bench_key,
        classify,
        evaluation.features_of(
            classify, evaluation.draw_images(draw_key, heldout.images, count)
        ),
        real.images.reshape(len(real.images), -1).astype(np.float32) / 255,
        np.asarray(jax.random.normal(pair_key, (2, config.pairs, config.latent_dim))),
        pixels.as_inputs(jnp.asarray(heldout.images[: config.digits])),
        config.segments,
    )
    shape = {"latent_dim": config.latent_dim, "widths": config.widths}
    generator = networks.mlp_generator(**shape)
    plan = trials.Plan(
        out,
        generator,
        networks.mlp_generator(**shape, batch_norm=False).apply,
        partial(_save, shape, record.provenance(out)),
        arms.algorithms(
            config.algorithm,
            generator,
            networks.mlp_critic(),
            average_decay=config.average_decay,
            every=config.every,
        ),
        key,
        config.seeds,
        parallel.replicate(jnp.asarray(real.images), parallel.mesh()),
        config.batch_size,
        config.steps,
        config.chunk,
        bench,
    )
    with stop_requested() as stopping:
        found = trials.run_all(plan, compared, stopping)
    made = report.Report(real.name, config.seeds, count, config.pairs, found)
    summary = {"experiment": "path_gan", **report.summary(made)}
    report.write(out, made)
    run_folder.write_json(out / "summary.json", summary)
    print((out / "report.md").read_text())
    return summary


def _save(
    shape: dict[str, Any],
    provenance: dict[str, Any],
    folder: Path,
    weights: Any,
    critic: Any,
    penalty: str,
) -> None:
    from jaxgan import storage

    options = {**shape, "widths": list(shape["widths"])}
    parts = {
        "generator": storage.Part("mlp_generator", options, weights),
        "critic": storage.Part("mlp_critic", {}, critic),
    }
    storage.save_model(folder, parts, {**provenance, "penalty": penalty})


if __name__ == "__main__":
    main(Config, run)
