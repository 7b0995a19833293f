"""Vanilla GAN or WGAN-GP? Judge both: `python -m experiments.compare`."""

from dataclasses import dataclass
from typing import Any

from experiments.running.command_line import main
from experiments.running.errors import UsageError
from experiments.running.options import DataOptions, require


@dataclass(frozen=True)
class Config(DataOptions):
    """Train a GAN and a WGAN-GP alike, several seeds of each, and judge their samples.

    Both have the same networks, optimiser, data order and starting weights. They are
    compared at equal generator steps; then the cheaper one trains on until it has had
    as many seconds as the other.
    """

    resume: bool = False
    """Go on from the last point that was judged."""
    seeds: int = 5
    """Runs of each algorithm, trained as one program."""
    steps: int = 2500
    """Generator steps of each run."""
    points: int = 10
    """How often to judge on the way."""
    batch_size: int = 64
    """Images in each batch."""
    critic_steps: int = 1
    """Critic updates per generator update, of both."""
    latent_dim: int = 64
    """Dimensions of the latent space."""
    judge: str = "mnist-classifier"
    """Classifier whose features are compared: a shipped one, or a model folder."""
    samples: int | None = None
    """Samples to judge, against as many test images; default: all test images."""

    def check(self) -> None:
        """Raise a `UsageError` for values that cannot be."""
        super().check()
        for name in ("steps", "points", "batch_size", "critic_steps", "latent_dim"):
            require(getattr(self, name) >= 1, self, name, "at least 1")
        require(self.seeds >= 2, self, "seeds", "at least 2")
        require(self.points <= self.steps, self, "points", "at most --steps")
        require(self.samples is None or self.samples >= 20, self, "samples", "≥ 20")


def run(config: Config) -> dict[str, Any]:
    """Train, judge, write the report, and return the summary."""
    import jax
    import jax.numpy as jnp

    from experiments.compare import contest, figures, report
    from experiments.running import record, run_folder
    from jaxgan import data, evaluation, gan, networks, pixels, storage

    classify = storage.load_classifier(config.judge)
    real = data.load(config.dataset, "train", data_dir=config.data_dir)
    heldout = data.load(real.name, "test", data_dir=config.data_dir)
    count = config.samples or len(heldout.images)
    if not config.batch_size * config.critic_steps <= len(real.images):
        raise UsageError(f"a step needs at most the {len(real.images)} training images")
    if not count <= min(len(heldout.images), len(real.images)):
        raise UsageError(f"--samples must be at most {len(heldout.images)}")
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
    bench_key, floor_key, draw_key = jax.random.split(
        jax.random.fold_in(key, config.seeds), 3
    )
    seen = evaluation.features_of(classify, real.images)
    reference = evaluation.features_of(
        classify, evaluation.draw_images(draw_key, heldout.images, count)
    )
    bench = contest.Bench(
        bench_key,
        classify,
        reference,
        pixels.as_inputs(jnp.asarray(heldout.images[: contest.HELDOUT_IMAGES])),
        seen.pixels,
    )
    floor = evaluation.floor(floor_key, seen, reference, count)
    images = jnp.asarray(real.images)
    generator = networks.mlp_generator(config.latent_dim)
    critic = networks.mlp_critic()
    algorithms = {
        "GAN": gan.vanilla_gan(generator, critic, critic_steps=config.critic_steps),
        "WGAN-GP": gan.wgan_gp(generator, critic, critic_steps=config.critic_steps),
    }
    contestants = {
        name: contest.Contestant(name, out / name, generator, critic, algorithm)
        for name, algorithm in algorithms.items()
    }

    def train_to(name: str, stops: list[int]) -> list[contest.Row]:
        states, rows = contest.start(contestants[name], keys)
        return contest.train(
            contestants[name], states, rows, images, config.batch_size, stops, bench
        )[1]

    interval = config.steps // config.points
    stops = contest.stops(0, config.steps, interval)
    rows = {name: train_to(name, stops) for name in contestants}
    seconds = {
        name: contest.row_at(rows[name], config.steps)["seconds"] for name in rows
    }
    slow, quick = sorted(seconds, key=lambda name: -seconds[name])
    more = round(config.steps * seconds[slow] / seconds[quick])
    rows[quick] = train_to(quick, contest.stops(config.steps, more, interval))

    made = report.Report(
        real.name, config.seeds, count, config.steps, quick, more, rows, floor
    )
    text = report.words(made) + "\n\n" + report.table(made)
    (out / "report.md").write_text(text)
    figures.draw(out, made)
    summary = {"experiment": "compare", **report.summary(made)}
    run_folder.write_json(out / "summary.json", summary)
    print(text)
    return summary


if __name__ == "__main__":
    main(Config, run)
