"""A sweep over β, kinds of codes and seeds, model by model, each kept on disk."""

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from experiments.rate_distortion import measures, models
from experiments.rate_distortion.measures import Measured
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
        seeds: models at each β; both kinds start alike and see the same digits.
        recipe: of every model.
        likelihood_images: test images whose likelihood is estimated.
        likelihood_draws: for each of them.
    """

    betas: Sequence[float]
    seeds: int
    recipe: models.Recipe
    likelihood_images: int
    likelihood_draws: int


class Found(NamedTuple):
    """Of one kind of code: arrays begin with β and seed.

    Attributes:
        measured: each array stacked.
        exactness: the fields of `jaxgan.autoencoders.echo_codes.Exactness`, likewise; none of Gaussian.
        seconds: that training took.
    """

    measured: Measured
    exactness: Mapping[str, np.ndarray]
    seconds: np.ndarray


def digits_of(key: PRNGKey, train: Dataset, test: Dataset) -> Digits:
    """Shuffle both sets, which may be sorted by class, and draw black and white."""

    def binary(key: PRNGKey, images: np.ndarray):
        return binarise(key, pixels.as_inputs(jnp.asarray(images)))

    keys = jax.random.split(key, 4)
    gray = train.images[np.asarray(jax.random.permutation(keys[0], len(train.images)))]
    held = test.images[np.asarray(jax.random.permutation(keys[1], len(test.images)))]
    everywhere = parallel.replicate(jnp.asarray(gray), parallel.mesh())
    return Digits(everywhere, binary(keys[2], gray), binary(keys[3], held))


def sweep(out: Path, key: PRNGKey, digits: Digits, plan: Plan) -> Mapping[str, Found]:
    """Train and measure all models; those that are on disk are not trained again.

    Raises:
        Interrupted: after a signal; the models that are done are kept.
        NonFiniteError: if a loss is not finite; likewise.
    """
    folder = out / "parts"
    folder.mkdir(exist_ok=True)
    recipe = plan.recipe
    steps = recipe.epochs * (len(digits.gray) // recipe.batch_size)
    coders = {kind: models.build(kind, recipe, steps) for kind in models.KINDS}

    def job(kind: str, number: int, seed: int) -> jobs.Job[Mapping[str, Any]]:
        compute = partial(
            _model,
            coders[kind],
            jax.random.fold_in(key, seed),
            digits,
            plan,
            steps,
            plan.betas[number],
        )
        path = folder / f"{kind}-{number:02d}-{seed:02d}.npz"
        name = f"{kind}, β {plan.betas[number]:g}, seed {seed}"
        return jobs.Job(name, 1, partial(kept_arrays, path, compute))

    models_of_sweep = [
        (kind, number, seed)
        for seed in range(plan.seeds)
        for kind in models.KINDS
        for number in range(len(plan.betas))
    ]
    with stop_requested() as stopping:
        results = jobs.run([job(*m) for m in models_of_sweep], "model", stopping)
    parts = dict(zip(models_of_sweep, results, strict=True))
    return {kind: _stacked(parts, kind, plan) for kind in models.KINDS}


def _model(
    coder: models.Coder, key: PRNGKey, digits: Digits, plan: Plan, steps, beta: float
) -> dict[str, np.ndarray]:
    train_key, measure_key = jax.random.split(key)
    params, seconds = models.train(
        coder, train_key, digits, plan.recipe.batch_size, steps, beta
    )
    measured, exactness = measures.measure(
        coder,
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


def _stacked(parts: Mapping[Any, Any], kind: str, plan: Plan) -> Found:
    def stack(name: str) -> np.ndarray:
        return np.array(
            [
                [parts[kind, number, seed][name] for seed in range(plan.seeds)]
                for number in range(len(plan.betas))
            ]
        )

    names = [n for n in Exactness._fields if f"exact_{n}" in parts[kind, 0, 0]]
    exactness = {name: stack(f"exact_{name}") for name in names}
    measured = Measured(*(stack(name) for name in Measured._fields))
    return Found(measured, exactness, stack("seconds"))
