"""Train generators whose paths are cheap: `python -m experiments.path_gan`."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from experiments.command_line import UsageError, main
from experiments.options import DataOptions, require


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
    path_weights: tuple[float, ...] = (0.03, 0.3)
    """Weights of the penalty on paths of least energy."""
    line_weights: tuple[float, ...] = (0.03, 0.3)
    """Weights of the penalty on straight lines."""
    length_weights: tuple[float, ...] = (0.1, 10.0)
    """Weights of the path length regularisation."""
    every: int = 8
    """Steps from one use of a penalty to the next; a use counts as many times."""
    seeds: int = 3
    """Runs of each."""
    steps: int = 1500
    """Generator steps of each run."""
    chunk: int = 250
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
    config.check()
    from functools import partial

    import jax
    import jax.numpy as jnp
    import numpy as np

    from experiments import path_verdicts, record, run_folder, sweep_report, sweeping
    from experiments.interruption import stop_requested
    from jaxgan import algorithm, data, gans, judge, models, networks, training
    from jaxgan.path_length_penalty import path_length_penalty
    from jaxgan.path_penalty import path_penalty
    from jaxgan.penalties import regularised

    classify = models.load_classifier(config.judge)
    real = data.load(config.dataset, "train", data_dir=config.data_dir)
    heldout = data.load(real.name, "test", data_dir=config.data_dir)
    count = config.samples or len(heldout.images)
    if config.batch_size > len(real.images):
        raise UsageError(f"--batch-size must be at most {len(real.images)}")
    if not max(count, config.digits) <= len(heldout.images):
        most = len(heldout.images)
        raise UsageError(f"--samples and --digits must be at most {most}")
    out = config.out or Path("runs") / f"path_gan-{real.name}-{config.seed}"
    run_folder.open_run_folder(
        out,
        record.record("path_gan", config, real.name, (real.images, real.labels)),
        resume=config.resume,
        overwrite=config.overwrite,
        may_change=record.MAY_CHANGE_ON_RESUME,
    )
    generator = networks.mlp_generator(config.latent_dim, config.widths)
    folded = networks.mlp_generator(config.latent_dim, config.widths, batch_norm=False)
    build = {"wgan": gans.wgan_gp, "gan": gans.gan}[config.algorithm]
    make = partial(
        _build, build, generator, networks.mlp_critic(), config.average_decay
    )
    penalties = {
        "path": path_penalty(generator),
        "line": path_penalty(generator, steps=0),
        "length": path_length_penalty(generator),
    }
    add = partial(regularised, make, algorithm.ADAM, weight=0.0, every=config.every)
    algorithms = {name: add(penalty) for name, penalty in penalties.items()}
    algorithms[sweeping.PLAIN] = make(algorithm.ADAM)
    weights = {
        "path": config.path_weights,
        "line": config.line_weights,
        "length": config.length_weights,
    }
    arms = [sweeping.Arm(name, w) for name, several in weights.items() for w in several]
    arms.append(sweeping.Arm(sweeping.PLAIN, 0.0))

    key, bench_key, draw_key, pair_key = jax.random.split(
        jax.random.key(config.seed), 4
    )
    codes = jax.random.normal(pair_key, (2, config.pairs, config.latent_dim))
    seen = judge.look(classify, real.images)
    bench = path_verdicts.Bench(
        bench_key,
        classify,
        judge.look(classify, judge.draw(draw_key, heldout.images, count)),
        seen.pixels,
        np.asarray(codes),
        training.as_inputs(jnp.asarray(heldout.images[: config.digits])),
        config.segments,
    )
    plan = sweeping.Plan(
        out,
        generator,
        networks.mlp_generator(
            config.latent_dim, config.widths, batch_norm=False
        ).apply,
        partial(_save, config, record.provenance(out)),
        algorithms,
        key,
        config.seeds,
        jnp.asarray(real.images),
        config.batch_size,
        config.steps,
        config.chunk,
        bench,
    )
    print(f"path_gan: {len(arms)} × {config.seeds} runs on {real.name}, into {out}")
    with stop_requested() as stopping:
        found = sweeping.sweep(plan, arms, stopping)
    report = sweep_report.Report(real.name, config.seeds, count, config.pairs, found)
    summary = {"experiment": "path_gan", **sweep_report.summary(report)}
    sweep_report.write(out, report)
    run_folder.write_json(out / "summary.json", summary)
    print((out / "report.md").read_text())
    return summary


def _save(
    config: Config,
    provenance: dict[str, Any],
    folder: Path,
    weights: Any,
    critic: Any,
    penalty: str,
) -> None:
    from jaxgan import models

    options = {"latent_dim": config.latent_dim, "widths": list(config.widths)}
    models.save(
        folder,
        {
            "generator": models.Part("mlp_generator", options, weights),
            "critic": models.Part("mlp_critic", {}, critic),
        },
        {**provenance, "penalty": penalty, "steps": config.steps},
    )


def _build(
    build: Any, generator: Any, critic: Any, decay: float, optimizer: Any
) -> Any:
    return build(generator, critic, generator_optimizer=optimizer, average_decay=decay)


if __name__ == "__main__":
    main(Config, run)
