"""Compare a vanilla GAN with a WGAN-GP: `python -m experiments.compare`."""

from dataclasses import dataclass
from typing import Any

from experiments.running.command_line import main
from experiments.running.errors import UsageError
from experiments.running.options import CriticInput, JudgeOptions, require

EXPECTED = 2.3
"""Steps of both algorithms and of the longer run of the faster one, for each step of
--steps; for the progress bar only."""


@dataclass(frozen=True)
class Config(JudgeOptions):
    """Train several seeds of a GAN and of a WGAN-GP, and compare their samples.

    Both have the same networks, data order and initial weights, and the same optimiser
    unless you choose one for each. They are compared after equally many generator
    steps; then the faster one is trained for as many seconds as the other one took, and
    they are compared again.
    """

    resume: bool = False
    """Continue the run in --out from the last point that was judged."""
    seeds: int = 5
    """Number of runs of each algorithm, 2 or more; they are trained as one program."""
    steps: int = 2500
    """Number of generator steps of each run."""
    points: int = 10
    """Number of points at which to judge; more if it does not divide --steps."""
    batch_size: int = 64
    """Number of images in each batch."""
    critic_steps: int = 1
    """Number of critic updates for each generator update, of both algorithms."""
    latent_dim: int = 64
    """Number of dimensions of the latent space."""
    learning_rate: tuple[float, float] = (5e-4, 5e-4)
    """Adam's step sizes, in (0, 1): of the GAN and of the WGAN-GP."""
    decay_after: tuple[int | None, int | None] = (None, None)
    """Numbers of generator steps, 1 or more, after which the step sizes fall as one
    over the number of steps; None: they stay."""
    beta1: tuple[float, float] = (0.0, 0.0)
    """Adam's decay rates of the mean gradient, in (-1, 1): of the GAN and of the
    WGAN-GP."""
    critic_input: tuple[CriticInput, CriticInput] = ("pixels", "pixels")
    """What the discriminator of the GAN and the critic of the WGAN-GP are given: pixels
    from -1 to 1, or these minus the mean of all training images."""

    def check(self) -> None:
        """Raise a `UsageError` if a flag is out of range."""
        super().check()
        for name in ("steps", "points", "critic_steps", "latent_dim"):
            require(getattr(self, name) >= 1, self, name, "at least 1")
        for name in ("seeds", "batch_size"):
            require(getattr(self, name) >= 2, self, name, "at least 2")
        require(self.points <= self.steps, self, "points", "at most --steps")
        for rate in self.learning_rate:
            require(0 < rate < 1, self, "learning_rate", "two numbers in (0, 1)")
        for decay in self.beta1:
            require(-1 < decay < 1, self, "beta1", "two numbers in (-1, 1)")
        for after in self.decay_after:
            holds = after is None or after >= 1
            require(holds, self, "decay_after", "two numbers of at least 1, or None")


def run(config: Config) -> dict[str, Any]:
    """Train, judge, write the report, and return the summary."""
    import jax
    import jax.numpy as jnp

    from experiments.compare import contest, figures, report
    from experiments.reporting import page
    from experiments.running import (
        critics,
        datasets,
        duration,
        optimizers,
        progress,
        record,
        run_folder,
    )
    from jaxgan import evaluation, gan, networks, pixels, storage

    classify = storage.load_classifier(config.judge)
    real, heldout = datasets.load(config)
    count = config.samples or len(heldout.images)
    if config.batch_size * config.critic_steps > len(real.images):
        raise UsageError(
            f"--batch-size times --critic-steps must be at most {len(real.images)}, "
            f"the training images of {real.name}"
        )
    most = min(len(heldout.images), len(real.images))
    if count > most:
        raise UsageError(f"--samples must be at most {most}, got {count}")
    out = run_folder.begin(
        "compare",
        config,
        real.name,
        real.name,
        (real.images, real.labels),
        resume=config.resume,
        may_change=record.MAY_CHANGE_ON_RESUME,
    )
    print(f"compare: {config.seeds} seeds on {real.name}, results in {out}")

    key = jax.random.key(config.seed)
    keys = jax.vmap(lambda n: jax.random.fold_in(key, n))(jnp.arange(config.seeds))
    protocol_key, floor_key, draw_key = jax.random.split(
        jax.random.fold_in(key, config.seeds), 3
    )
    seen = evaluation.features_of(classify, real.images)
    reference = evaluation.features_of(
        classify, evaluation.draw_images(draw_key, heldout.images, count)
    )
    protocol = contest.Protocol(
        protocol_key,
        classify,
        reference,
        pixels.as_inputs(jnp.asarray(heldout.images[: contest.HELDOUT_IMAGES])),
        seen.pixels,
    )
    floor = evaluation.floor(floor_key, seen, reference, count)
    images = jnp.asarray(real.images)
    generator = networks.mlp_generator(config.latent_dim)
    plain = networks.mlp_critic()
    inputs = {
        name: critics.given(plain, critics.centre_of(name, real.images))
        for name in config.critic_input
    }
    objectives = {report.GAN: gan.vanilla_gan, report.WGAN: gan.wgan_gp}
    contestants = {}
    for name, given, rate, after, decay in zip(
        objectives,
        config.critic_input,
        config.learning_rate,
        config.decay_after,
        config.beta1,
        strict=True,
    ):
        critic = inputs[given]
        generator_optimizer, critic_optimizer = optimizers.adams(
            rate, after, decay, critic_steps=config.critic_steps
        )
        algorithm = objectives[name](
            generator,
            critic,
            generator_optimizer=generator_optimizer,
            critic_optimizer=critic_optimizer,
            critic_steps=config.critic_steps,
        )
        contestants[name] = contest.Contestant(
            name, out / name, generator, critic, algorithm
        )

    def train_to(name: str, stops: list[int], piece: progress.Piece):
        states, rows = contest.start(contestants[name], keys)
        return contest.train(
            contestants[name],
            states,
            rows,
            images,
            config.batch_size,
            stops,
            protocol,
            piece,
        )[1]

    interval = config.steps // config.points
    stops = contest.stops(0, config.steps, interval)
    with progress.bar(out, round(EXPECTED * config.steps), "step") as piece:
        rows = {name: train_to(name, stops, piece) for name in contestants}
        seconds = {
            name: contest.seconds_per_step(rows[name], config.steps) for name in rows
        }
        slower, faster = sorted(seconds, key=lambda name: -seconds[name])
        more = round(config.steps * seconds[slower] / seconds[faster])
        longer = contest.stops(config.steps, more, interval)
        rows[faster] = train_to(faster, longer, piece)

    comparison = report.Comparison(
        real.name, config.seeds, count, config.steps, faster, more, rows, floor
    )
    text = report.words(comparison) + "\n\n" + report.table(comparison)
    summary = {
        "experiment": "compare",
        **report.summary(comparison),
        "wall_seconds": duration.elapsed(out),
    }
    run_folder.write_json(out / "summary.json", summary)
    (out / "report.md").write_text(text, encoding="utf-8")
    figures.draw(out, comparison)
    page.write(out)
    print(text)
    return summary


if __name__ == "__main__":
    main(Config, run)
