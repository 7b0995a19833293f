"""Train several seeds of one algorithm as one program, and judge them on the way."""

import math
import sys
import time
from collections.abc import Callable, Sequence
from functools import partial
from operator import itemgetter
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np
from jaxtyping import Key
from tqdm import tqdm

from experiments.reporting import judging, pictures
from experiments.running import epochs, memory
from experiments.running.errors import Interrupted
from experiments.running.interruption import stop_requested
from experiments.running.progress import Piece
from jaxgan import evaluation, gan, parallel, pixels, training
from jaxgan.networks import Classified, FinishedGenerator, Generator, Network
from jaxgan.training import Algorithm
from jaxgan.types import Examples, PRNGKey

HELDOUT_IMAGES = 1000
"""Test images on which the Wasserstein estimate is logged."""
SHOWN = 60
"""Samples of the first seed in the figure."""

Row = dict[str, Any]
"""What is logged at one point: `step`, `seconds`, and a list over seeds by metric."""


class Contestant(NamedTuple):
    """An algorithm that is compared with others.

    Attributes:
        name: its name in the report.
        folder: where its checkpoints, logs and samples are written.
        generator: the generator, the same for all contestants.
        critic: the critic, the same for all contestants.
        algorithm: how they are trained.
    """

    name: str
    folder: Path
    generator: Generator
    critic: Network
    algorithm: Algorithm


class Protocol(NamedTuple):
    """How the contestants are judged.

    Attributes:
        key: random key of samples and bootstraps, the same at all points and for all.
        classify: classifier whose features are compared.
        reference: features of held-out images.
        heldout: held-out images as inputs of the critic.
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
    """Return the steps to stop at: every `interval` after `start`, and `end`."""
    return [*range(start + interval, end, interval), end] if end > start else []


def start(
    contestant: Contestant, keys: Key[jax.Array, "seeds"]
) -> tuple[Any, list[Row]]:
    """Return the states of all seeds and what was logged, new or as last saved."""
    contestant.folder.mkdir(exist_ok=True)
    begin = jax.vmap(contestant.algorithm.init)
    memory.require(jax.eval_shape(begin, keys))
    states = jax.jit(begin)(keys)
    return epochs.resume(contestant.folder, states)


def row_at(rows: Sequence[Row], step: int) -> Row:
    """Return what was logged at a step."""
    return next(row for row in rows if row["step"] == step)


def seconds_per_step(rows: Sequence[Row], step: int) -> float:
    """Return the time of a step between the two points where it was shortest.

    There the machine was least busy with something else. Points after `step` do not
    count: they are chosen by this time.
    """
    rows = [row for row in rows if row["step"] <= step]
    seconds = np.diff([0.0, *(row["seconds"] for row in rows)])
    steps = np.diff([0, *(row["step"] for row in rows)])
    return float((seconds / steps).min())


def train(
    contestant: Contestant,
    states: Any,
    rows: list[Row],
    images: jax.Array,
    batch_size: int,
    stops: Sequence[int],
    protocol: Protocol,
    piece: Piece,
) -> tuple[Any, list[Row]]:
    """Train all seeds to each of the stops in turn; judge, log and save at each.

    At the last stop all metrics are computed, before only the two Fréchet distances.

    Args:
        contestant: what to train.
        states: states of all seeds, stacked.
        rows: what was logged until then.
        images: training images, on the device.
        batch_size: images in each batch.
        stops: generator steps, increasing.
        protocol: how to judge.
        piece: of the progress bar, in steps.

    Returns:
        The states at the last stop, and what was logged, with the new rows.

    Raises:
        CheckpointError: if the last state cannot be written.
        Interrupted: after a signal; the last stop is saved.
    """
    compiled: dict[int, Any] = {}
    mesh = parallel.mesh()
    states, images = parallel.replicate((states, images), mesh)
    with stop_requested() as stopping:
        for stop in stops:
            count = stop - (rows[-1]["step"] if rows else 0)
            if count <= 0:
                continue
            with piece(contestant.name, count):
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
                    **_judge(contestant, states, protocol, whole=stop == stops[-1]),
                }
            rows.append(row)
            unsaved = epochs.write_progress(contestant.folder, rows, states)
            distance = np.mean(row["frechet_distance"])
            said = f"{contestant.name}: step {stop}, Fréchet distance {distance:.2f}"
            tqdm.write(said, sys.stdout)
            if unsaved and (stopping() or stop == stops[-1]):
                raise unsaved
            if stopping():
                raise Interrupted(f"stopped at step {stop}; go on with --resume")
    return states, rows


def _judge(
    contestant: Contestant, states: Any, protocol: Protocol, whole: bool
) -> dict[str, list[float]]:
    """Return each metric as a list over seeds; NaN for a seed that diverged."""
    alone = jax.device_put(states, jax.devices()[0])
    columns = []
    for seed in range(len(states.step)):
        state = jax.tree.map(itemgetter(seed), alone)
        key = jax.random.fold_in(state.key, state.step)
        finished = gan.finish(key, contestant.generator, state.average)
        if finished is None or not epochs.all_finite(state.critic):
            columns.append({})
            continue
        columns.append(_judge_seed(contestant, state, finished, protocol, whole))
        if whole and seed == 0:
            _save_samples(contestant, state, finished)
    names = next((list(column) for column in columns if column), ["frechet_distance"])
    return {name: [column.get(name, math.nan) for column in columns] for name in names}


def _judge_seed(
    contestant: Contestant,
    state: gan.State,
    finished: FinishedGenerator,
    protocol: Protocol,
    whole: bool,
) -> dict[str, float]:
    sample_key, verdict_key = jax.random.split(protocol.key)
    images = judging.draw(sample_key, finished, len(protocol.reference.features))
    samples = evaluation.features_of(protocol.classify, images)
    estimate = _heldout(
        contestant.generator, contestant.critic, state, protocol.heldout
    )
    numbers = {"wasserstein_estimate_heldout": float(estimate)}
    if not whole:
        return numbers | _distances(samples, protocol.reference)
    verdict = evaluation.verdict(
        verdict_key, samples, protocol.reference, samples, protocol.training
    )
    return numbers | {name: estimate.value for name, estimate in verdict.items()}


def _distances(
    samples: evaluation.ImageFeatures, reference: evaluation.ImageFeatures
) -> dict[str, float]:
    """Return the Fréchet distance, as it is and with the classes' shares matched."""
    real = evaluation.moments(reference.features)
    matched = evaluation.class_matched_moments(
        samples.features, samples.classes, reference.classes
    )
    return {
        "frechet_distance": evaluation.frechet_between(
            evaluation.moments(samples.features), real
        ),
        "class_matched_frechet_distance": evaluation.frechet_between(matched, real),
    }


_heldout = jax.jit(gan.heldout_wasserstein_estimate, static_argnums=(0, 1))


def _save_samples(
    contestant: Contestant, state: gan.State, finished: FinishedGenerator
) -> None:
    dimension = contestant.generator.latent_dim
    latents = jax.random.normal(jax.random.key(0), (SHOWN, dimension))
    images = pixels.to_pixels(np.asarray(finished.generate(latents)))
    name = f"samples-{int(state.step)}.png"
    with pictures.drawing(contestant.folder / name) as path:
        pictures.save_image(path, pictures.image_grid(images, 10))
