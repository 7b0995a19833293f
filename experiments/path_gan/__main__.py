"""Train generators with penalties on their paths: `python -m experiments.path_gan`."""

from dataclasses import dataclass
from typing import Any, Literal

from experiments.running.command_line import main
from experiments.running.errors import UsageError
from experiments.running.options import CriticInput, DataOptions, require

WEIGHTS = ("path_weights", "line_weights", "length_weights", "encoder_weights")
EXTENSIBLE = ("seeds", *WEIGHTS, "between")
"""Flags that may have other values when a sweep is resumed: each run stands alone."""


JUDGED = 2000
"""Samples that are judged by default: with all of MNIST's 10,000 test images, judging
would take most of the time."""


@dataclass(frozen=True)
class Config(DataOptions):
    """Train generators with penalties on their paths, and compare them with controls.

    Three penalties are compared. path: log ρ of the path of least energy between two
    codes, where ρ ≥ 1 is that energy divided by its lower bound; line: log ρ of the
    straight line; length: the path length regularisation of StyleGAN2. Beside them an
    encoder can be trained along with the generator, which gives images shorter codes.
    All use the same algorithm, seeds and number of generator steps. Without a penalty,
    the generator is also trained for as much time as the slowest of the others takes,
    if no --plain-steps come first.
    """

    resume: bool = False
    """Continue the sweep in --out after its last finished run."""
    algorithm: Literal["wgan", "gan"] = "wgan"
    """Adversarial algorithm that the penalties are added to."""
    path_weights: tuple[float, ...] = (1.0, 10.0)
    """Weights of the penalty on paths of least energy, above 0. There must be a weight
    of a penalty or of an encoder; these may be none."""
    line_weights: tuple[float, ...] = (10.0,)
    """Weights of the penalty on straight lines: none or more, above 0."""
    length_weights: tuple[float, ...] = (10.0,)
    """Weights of the path length regularisation: none or more, above 0."""
    encoder_weights: tuple[float, ...] = ()
    """Weights of the loss of an encoder, above 0; it needs --strength weight. They rise
    from 0 over the first quarter of --steps."""
    strength: Literal["weight", "ratio"] = "weight"
    """What these numbers are. weight: what a penalty is multiplied by. ratio: the norm
    of what it adds to the generator's gradient, divided by the norm of the adversarial
    gradient, so that different penalties with the same number pull equally hard."""
    between: bool = False
    """Train all arms a second time, with half of the codes of each batch on straight
    lines between two codes, so that images of paths are judged by the critic too."""
    every: int = 8
    """Generator steps from one use of a penalty to the next, at least 1. Its weight is
    multiplied by the same number."""
    seeds: int = 3
    """Runs with each weight, and without a penalty; at least 2."""
    steps: int = 1500
    """Generator steps of each run, after --plain-steps."""
    plain_steps: int = 0
    """Generator steps without a penalty that come first; all runs of a seed share them.
    After them the learning rate falls to zero along a cosine, and a ratio rises from
    zero over the first tenth of --steps."""
    chunk: int = 50
    """Generator steps between two checks for a signal to stop; a divisor of --steps."""
    batch_size: int = 64
    """Images in each batch."""
    critic_input: CriticInput = "pixels"
    """What the discriminator or critic is given: pixels from -1 to 1, or these minus
    the mean of all training images."""
    learning_rate: float = 5e-4
    """Adam's step size for both networks, in (0, 1)."""
    beta1: float = 0.0
    """Adam's decay rate of the mean gradient, in (-1, 1); below 0 it takes back a part
    of the step before."""
    average_decay: float = 0.995
    """Decay per step, in [0, 1), of the moving average of the generator's weights; the
    averaged generator is judged."""
    latent_dim: int = 32
    """Dimensions of the latent space."""
    widths: tuple[int, ...] = (128, 256, 512)
    """Widths of the generator's hidden layers."""
    pairs: int = 24
    """Held-out pairs of codes between which paths are judged; at least 4."""
    segments: int = 128
    """Segments of each path: a power of two, at least 16."""
    digits: int = 24
    """Held-out digits whose codes are searched for, at least 2. Paths are sought
    between the first and the second, the third and the fourth, and so on."""
    judge: str = "mnist-classifier"
    """Classifier whose features are compared: a shipped model, or a model folder."""
    samples: int | None = None
    """Generated images to judge, against as many test images; at least 20. Default: as
    many as there are test images, and at most 2,000."""

    def check(self) -> None:
        """Raise a `UsageError` if a flag is out of range."""
        super().check()
        for name in ("every", "steps", "chunk", "latent_dim"):
            require(getattr(self, name) >= 1, self, name, "at least 1")
        plain = self.plain_steps
        require(plain >= 0, self, "plain_steps", "at least 0")
        require(plain % self.chunk == 0, self, "chunk", "a divisor of --plain-steps")
        for name in WEIGHTS:
            weights = getattr(self, name)
            holds = all(0 < w < float("inf") for w in weights)
            holds = holds and len(set(weights)) == len(weights)
            require(holds, self, name, "different, and above 0")
        given = any(len(getattr(self, name)) for name in WEIGHTS)
        require(given, self, "path_weights", "at least one")
        if self.encoder_weights and self.strength == "ratio":
            raise UsageError("--encoder-weights must be none with --strength ratio")
        for name in ("seeds", "batch_size", "digits"):
            require(getattr(self, name) >= 2, self, name, "at least 2")
        require(self.pairs >= 4, self, "pairs", "at least 4")
        require(self.steps % self.chunk == 0, self, "chunk", "a divisor of --steps")
        require(0 < self.learning_rate < 1, self, "learning_rate", "in (0, 1)")
        require(-1 < self.beta1 < 1, self, "beta1", "in (-1, 1)")
        require(0 <= self.average_decay < 1, self, "average_decay", "in [0, 1)")
        require(min(self.widths, default=0) >= 1, self, "widths", "all at least 1")
        power = self.segments >= 16 and self.segments & (self.segments - 1) == 0
        require(power, self, "segments", "a power of two, at least 16")
        require(
            self.samples is None or self.samples >= 20, self, "samples", "at least 20"
        )


def run(config: Config) -> dict[str, Any]:
    """Train, judge, write the report, and return the summary."""
    import jax
    import jax.numpy as jnp
    import numpy as np

    from experiments.path_gan import arms, judge, report, runs, trials
    from experiments.path_gan.sweep import Sweep
    from experiments.reporting import page
    from experiments.running import critics, datasets, duration, record, run_folder
    from experiments.running.interruption import stop_requested
    from jaxgan import evaluation, networks, parallel, pixels, storage

    classify = storage.load_classifier(config.judge)
    real, heldout = datasets.load(config)
    count = config.samples or min(len(heldout.images), JUDGED)
    if config.batch_size > len(real.images):
        most = len(real.images)
        raise UsageError(f"--batch-size must be at most {most}, the training images")
    if max(count, config.digits) > len(heldout.images):
        most = len(heldout.images)
        raise UsageError(
            f"--samples and --digits must be at most {most}, the test images"
        )
    out = run_folder.begin(
        "path_gan",
        config,
        real.name,
        real.name,
        (real.images, real.labels),
        resume=config.resume,
        may_change=(*record.MAY_CHANGE_ON_RESUME, *EXTENSIBLE),
    )
    compared = arms.arms(
        {
            "path": config.path_weights,
            "line": config.line_weights,
            "length": config.length_weights,
            arms.ENCODER: config.encoder_weights,
        },
        between=config.between,
    )
    print(f"path_gan: {len(compared)} × {config.seeds} runs, results in {out}")
    key, judge_key, draw_key, pair_key = jax.random.split(
        jax.random.key(config.seed), 4
    )
    protocol = judge.Protocol(
        key=judge_key,
        classify=classify,
        reference=evaluation.features_of(
            classify, evaluation.draw_images(draw_key, heldout.images, count)
        ),
        training=pixels.as_rows(real.images),
        codes=np.asarray(
            jax.random.normal(pair_key, (2, config.pairs, config.latent_dim))
        ),
        digits=pixels.as_inputs(jnp.asarray(heldout.images[: config.digits])),
        segments=config.segments,
    )
    options = {"latent_dim": config.latent_dim, "widths": list(config.widths)}
    generator = networks.mlp_generator(**options)
    centre = critics.centre_of(config.critic_input, real.images)
    plan = runs.Plan(
        out=out,
        options=options,
        provenance=record.provenance(out),
        generator=generator,
        centre=centre,
        algorithms=arms.algorithms(
            config.algorithm,
            generator,
            critics.given(networks.mlp_critic(), centre),
            learning_rate=config.learning_rate,
            beta1=config.beta1,
            average_decay=config.average_decay,
            every=config.every,
            strength=config.strength,
            plain_steps=config.plain_steps,
            steps=config.steps,
        ),
        key=key,
        seeds=config.seeds,
        images=parallel.replicate(jnp.asarray(real.images), parallel.mesh()),
        batch_size=config.batch_size,
        plain_steps=config.plain_steps,
        steps=config.steps,
        chunk=config.chunk,
        protocol=protocol,
    )
    with stop_requested() as stopping:
        rows = trials.run_all(plan, compared, stopping)
    sweep = Sweep(real.name, config.seeds, count, config.pairs, config.strength, rows)
    summary = {
        "experiment": "path_gan",
        **report.summary(sweep),
        "wall_seconds": duration.elapsed(out),
    }
    run_folder.write_json(out / "summary.json", summary)
    report.write(out, sweep)
    page.write(out)
    print(report.text(sweep))
    return summary


if __name__ == "__main__":
    main(Config, run)
