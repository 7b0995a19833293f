"""Train the classifier that judges samples: `python -m experiments.classifier`."""

from dataclasses import dataclass
from typing import Any

from experiments.running.command_line import main
from experiments.running.options import RunOptions, require


@dataclass(frozen=True)
class Config(RunOptions):
    """Train a small convolutional classifier of digits, which judges samples."""

    epochs: int = 30
    """Number of passes over the training images; the step size falls to 0 in them."""
    batch_size: int = 128
    """Number of images in each batch."""
    learning_rate: float = 2e-3
    """Adam's step size at the start, in (0, 1)."""

    def check(self) -> None:
        """Raise a `UsageError` if a flag is out of range."""
        super().check()
        require(0 < self.learning_rate < 1, self, "learning_rate", "in (0, 1)")


def run(config: Config) -> dict[str, Any]:
    """Train, write everything into the output folder, and return the summary."""
    import jax
    import jax.numpy as jnp
    import optax

    from experiments.reporting import page
    from experiments.running import datasets, epochs, record, run_folder
    from jaxgan import data, pixels, storage, training
    from jaxgan.networks import conv_classifier

    real, heldout = datasets.load(config, with_labels=True)
    classes = max(10, 1 + int(max(real.labels.max(), heldout.labels.max())))
    shape: dict[str, Any] = {} if classes == 10 else {"classes": classes}
    network = conv_classifier(**shape)
    steps = config.epochs * max(1, len(real.images) // config.batch_size)
    schedule = optax.cosine_decay_schedule(config.learning_rate, steps)
    algorithm = training.classification(
        network,
        optimizer=optax.adam(schedule),
        distort=data.random_affine,
    )
    may_change = tuple(set(record.MAY_CHANGE_ON_RESUME) - {"epochs"})
    out, per_epoch = epochs.open_run("classifier", config, algorithm, real, may_change)

    images = pixels.as_inputs(jnp.asarray(heldout.images))
    labels = jnp.asarray(heldout.labels)

    @jax.jit
    def logits(params) -> jax.Array:
        return jax.lax.map(
            lambda image: network.apply(params, image[None]).logits[0],
            images,
            batch_size=500,
        )

    def observe(epoch: int, state: training.ClassifierState) -> dict[str, float]:
        del epoch
        accuracy = training.accuracy(logits(state.average), labels)
        return {"test_accuracy": float(accuracy)}

    trained = epochs.run_epochs(
        out,
        config,
        algorithm,
        (jnp.asarray(real.images), jnp.asarray(real.labels)),
        per_epoch,
        observe,
        watch="test_accuracy",
        loss=lambda row: 1 - row["test_accuracy"],
    )
    summary = epochs.summarise("classifier", out, config, algorithm, real, trained)
    weights = storage.as_stored(trained.state.average)
    summary["test_accuracy"] = float(training.accuracy(logits(weights), labels))
    storage.save_model(
        out / "model",
        {"classifier": storage.Part("conv_classifier", shape, weights)},
        {**record.provenance(out), "test_accuracy": summary["test_accuracy"]},
    )
    summary["in_words"] = (
        f"It names {summary['test_accuracy']:.2%} of the {len(images):,} test images "
        f"of {real.name} as their labels do."
    )
    run_folder.write_json(out / "summary.json", summary)
    page.write(out)
    print(f"test accuracy {summary['test_accuracy']:.4f}; model in {out / 'model'}")
    return summary


if __name__ == "__main__":
    main(Config, run)
