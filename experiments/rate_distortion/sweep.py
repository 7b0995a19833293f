"""The sweep: a model for each kind of code, β and seed; each is kept on disk."""

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from experiments.rate_distortion import measures, models
from experiments.rate_distortion.measures import Measurements
from experiments.rate_distortion.models import Digits
from experiments.running import jobs
from experiments.running.interruption import stop_requested
from experiments.running.parts import kept_arrays
from jaxgan import parallel, pixels
from jaxgan.autoencoders import Exactness, binarise
from jaxgan.data import Dataset
from jaxgan.types import PRNGKey


class Plan(NamedTuple):
    """What is trained, and how it is measured.

    Attributes:
        betas: weights of the rate.
        seeds: models at each β. Of one seed, both kinds of codes have the same starting
            weights and see the same digits.
        options: hyperparameters of every model.
        likelihood_images: test images whose likelihood is estimated.
        likelihood_draws: importance-weighted draws for each of them.
    """

    betas: Sequence[float]
    seeds: int
    options: models.Hyperparameters
    likelihood_images: int
    likelihood_draws: int


class KindResults(NamedTuple):
    """Results of one kind of code; the first two axes of every array are β and seed.

    Attributes:
        measured: measurements of all models; NaN where one is lost.
        exactness: the fields of `jaxgan.autoencoders.Exactness`, by name; none for
            Gaussian codes.
        seconds: that the training of each model took.
    """

    measured: Measurements
    exactness: Mapping[str, np.ndarray]
    seconds: np.ndarray


def digits_of(key: PRNGKey, train: Dataset, test: Dataset, count: int) -> Digits:
    """Return the images of a sweep: shuffled, and with black and white drawn.

    Both sets are shuffled because they may be sorted by class. Of the training images
    the first `count` are kept.
    """

    def binary(key: PRNGKey, images: np.ndarray):
        return binarise(key, pixels.as_inputs(jnp.asarray(images)))

    keys = jax.random.split(key, 4)
    order = np.asarray(jax.random.permutation(keys[0], len(train.images)))
    gray = train.images[order[:count]]
    held = test.images[np.asarray(jax.random.permutation(keys[1], len(test.images)))]
    everywhere = parallel.replicate(jnp.asarray(gray), parallel.mesh())
    return Digits(everywhere, binary(keys[2], gray), binary(keys[3], held))


def sweep(
    out: Path, key: PRNGKey, digits: Digits, plan: Plan
) -> Mapping[str, KindResults]:
    """Train and measure all models; those that are on disk are not trained again.

    Args:
        out: folder of the run.
        key: of starting weights, batches and all noise.
        digits: images to train on and to measure.
        plan: what is trained.

    Returns:
        The results of each of `models.KINDS`.

    Raises:
        Interrupted: after a signal; finished models are kept on disk.
    """
    folder = out / "parts"
    folder.mkdir(exist_ok=True)
    kinds = {name: models.build(name, plan.options) for name in models.KINDS}

    def job(name: str, number: int, seed: int) -> jobs.Job[Mapping[str, Any]]:
        beta = plan.betas[number]
        seed_key = jax.random.fold_in(key, seed)
        compute = partial(_model, kinds[name], seed_key, digits, plan, beta)
        path = folder / f"{name}-{number:02d}-{seed:02d}.npz"
        run = partial(kept_arrays, path, compute)
        return jobs.Job(f"{name}, β {beta:g}, seed {seed}", 1, run)

    places = [
        (name, number, seed)
        for seed in range(plan.seeds)
        for name in models.KINDS
        for number in range(len(plan.betas))
    ]
    with stop_requested() as stopping:
        results = jobs.run([job(*place) for place in places], "model", stopping, out)
    parts = dict(zip(places, results, strict=True))
    return {name: _stacked(parts, name, plan) for name in models.KINDS}


def _model(
    kind: models.AutoencoderKind,
    key: PRNGKey,
    digits: Digits,
    plan: Plan,
    beta: float,
) -> dict[str, np.ndarray]:
    """Train and measure one model; return the arrays that are kept on disk."""
    train_key, measure_key = jax.random.split(key)
    params, seconds = models.train(
        kind, train_key, digits, plan.options.batch_size, plan.options.steps, beta
    )
    measured, exactness = measures.measure(
        kind,
        params,
        measure_key,
        digits,
        likelihood_images=plan.likelihood_images,
        likelihood_draws=plan.likelihood_draws,
    )
    part = {**measured._asdict(), "seconds": np.asarray(seconds)}
    if exactness is not None:
        part |= {f"exact_{n}": np.asarray(v) for n, v in exactness._asdict().items()}
    return part


def _stacked(parts: Mapping[Any, Any], kind: str, plan: Plan) -> KindResults:
    def stack(name: str) -> np.ndarray:
        return np.array(
            [
                [parts[kind, number, seed][name] for seed in range(plan.seeds)]
                for number in range(len(plan.betas))
            ]
        )

    names = [n for n in Exactness._fields if f"exact_{n}" in parts[kind, 0, 0]]
    exactness = {name: stack(f"exact_{name}") for name in names}
    measured = Measurements(*(stack(name) for name in Measurements._fields))
    return KindResults(measured, exactness, stack("seconds"))
