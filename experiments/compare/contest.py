"""Several seeds of one algorithm trained as one program, and judged along the way."""

import math
import time
from collections.abc import Callable, Sequence
from functools import partial
from operator import itemgetter
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np

from experiments.reporting import judging, pictures
from experiments.running import epochs
from experiments.running.errors import Interrupted
from experiments.running.interruption import stop_requested
from jaxgan import evaluation, gan, parallel, pixels, training
from jaxgan.networks import Classified, Generator, Network
from jaxgan.training import Algorithm
from jaxgan.types import Examples, Params, PRNGKey

HELDOUT_IMAGES = 1000
SHOWN = 60

Row = dict[str, Any]


class Contestant(NamedTuple):
    """What competes.

    Attributes:
        name: as the report calls it.
        folder: for its checkpoints, rows and samples.
        generator: the same for all contestants.
        critic: the same for all contestants.
        algorithm: the difference.
    """

    name: str
    folder: Path
    generator: Generator
    critic: Network
    algorithm: Algorithm


class Bench(NamedTuple):
    """What all contestants are judged by.

    Attributes:
        key: of samples and bootstraps; the same at every point and for everyone.
        classify: whose features are compared.
        reference: held-out images, as the classifier sees them.
        heldout: the first of them, as inputs of the critic.
        training: pixels of the training images.
    """

    key: PRNGKey
    classify: Callable[[Examples], Classified]
    reference: evaluation.ImageFeatures
    heldout: Examples
    training: evaluation.Pixels


@partial(jax.jit, static_argnums=(0, 3, 4, 5), donate_argnums=1)
def _advance(algorithm: Algorithm, states, images, count: int, batch_size: int, mesh):
    def one(state):
        return training.run_steps(
            algorithm, state, images, count, batch_size=batch_size, mesh=mesh
        )

    return jax.vmap(one)(states)


def stops(start: int, end: int, interval: int) -> list[int]:
    """Divide the steps from `start` to `end`, where there is always a stop."""
    return [*range(start + interval, end, interval), end] if end > start else []


def start(contestant: Contestant, keys: PRNGKey) -> tuple[Any, list[Row]]:
    """Give the states of all seeds and what is logged: new, or where it stopped."""
    contestant.folder.mkdir(exist_ok=True)
    states = jax.jit(jax.vmap(contestant.algorithm.init))(keys)
    return epochs.resume(contestant.folder, states)


def row_at(rows: Sequence[Row], step: int) -> Row:
    """Find what was logged at a stop."""
    return next(row for row in rows if row["step"] == step)


def train(
    contestant: Contestant,
    states: Any,
    rows: list[Row],
    images: jax.Array,
    batch_size: int,
    stops: Sequence[int],
    bench: Bench,
) -> tuple[Any, list[Row]]:
    """Train all seeds to each of the stops in turn; judge, log and save at each.

    At the last stop the verdict is complete; before, it is the Fréchet distance only.

    Raises:
        CheckpointError: if the last state cannot be written.
        Interrupted: after a signal; what was reached is saved.
    """
    compiled: dict[int, Any] = {}
    mesh = parallel.mesh()
    states, images = parallel.replicate((states, images), mesh)
    with stop_requested() as stopping:
        for stop in stops:
            count = stop - (rows[-1]["step"] if rows else 0)
            if count <= 0:
                continue
            if count not in compiled:
                compiled[count] = _advance.lower(
                    contestant.algorithm, states, images, count, batch_size, mesh
                ).compile()
            started = time.perf_counter()
            states, logged = jax.block_until_ready(compiled[count](states, images))
            seconds = time.perf_counter() - started
            row = {
                "step": stop,
                "seconds": seconds + (rows[-1]["seconds"] if rows else 0.0),
                **{
                    name: np.asarray(values).tolist()
                    for name, values in logged._asdict().items()
                    if values is not None
                },
                **_judge(contestant, states, bench, whole=stop == stops[-1]),
            }
            rows.append(row)
            unsaved = epochs.write_progress(contestant.folder, rows, states)
            distance = np.mean(row["frechet_distance"])
            print(f"{contestant.name}: step {stop}, Fréchet distance {distance:.2f}")
            if unsaved and (stopping() or stop == stops[-1]):
                raise unsaved
            if stopping():
                raise Interrupted(f"stopped at step {stop}; go on with --resume")
    return states, rows


def _judge(
    contestant: Contestant, states: Any, bench: Bench, whole: bool
) -> dict[str, list[float]]:
    """Name every number, a list with one for each seed; NaN for a seed that is lost."""
    alone = jax.device_put(states, jax.devices()[0])
    columns = []
    for seed in range(len(states.step)):
        state = jax.tree.map(itemgetter(seed), alone)
        network, weights = gan.finish(state.key, contestant.generator, state.average)
        if weights is None or not epochs.all_finite(state.critic):
            columns.append({})
            continue
        columns.append(_judge_seed(contestant, state, network, weights, bench, whole))
        if whole and seed == 0:
            _save_samples(contestant, state, network, weights)
    names = next((list(column) for column in columns if column), ["frechet_distance"])
    return {name: [column.get(name, math.nan) for column in columns] for name in names}


def _judge_seed(
    contestant: Contestant,
    state: gan.State,
    network: Network,
    weights: Params,
    bench: Bench,
    whole: bool,
) -> dict[str, float]:
    sample_key, verdict_key = jax.random.split(bench.key)
    count, dimension = len(bench.reference.features), contestant.generator.latent_dim
    images = judging.draw(sample_key, network.apply, weights, dimension, count)
    samples = evaluation.features_of(bench.classify, images)
    estimate = _heldout(contestant.generator, contestant.critic, state, bench.heldout)
    numbers = {"wasserstein_estimate_heldout": float(estimate)}
    if not whole:
        fake, real = samples.features, bench.reference.features
        distance = evaluation.frechet_between(
            evaluation.moments(fake), evaluation.moments(real)
        )
        return numbers | {"frechet_distance": distance}
    verdict = evaluation.verdict(
        verdict_key, samples, bench.reference, samples, bench.training
    )
    return numbers | {name: estimate.value for name, estimate in verdict.items()}


_heldout = jax.jit(gan.heldout_wasserstein_estimate, static_argnums=(0, 1))


def _save_samples(
    contestant: Contestant, state: gan.State, network: Network, weights: Params
) -> None:
    dimension = contestant.generator.latent_dim
    latents = jax.random.normal(jax.random.key(0), (SHOWN, dimension))
    images = pixels.to_pixels(np.asarray(network.apply(weights, latents)))
    path = contestant.folder / f"samples-{int(state.step)}.png"
    pictures.save_image(path, pictures.image_grid(images, 10))
