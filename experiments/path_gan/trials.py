"""The runs of a penalty sweep: train a generator, judge it, and keep its numbers.

A run whose numbers are on disk is not repeated.
"""

import math
import time
from collections.abc import Callable, Mapping, Sequence
from functools import cache, partial
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from experiments.path_gan import judge
from experiments.path_gan.arms import EQUAL_TIME, HALVED, PLAIN, Arm, run_folder
from experiments.running import jobs, memory
from experiments.running.errors import Interrupted
from experiments.running.parts import kept_arrays, kept_numbers
from jaxgan import gan, parallel, storage, training
from jaxgan.networks import FinishedGenerator, Generator
from jaxgan.training import Algorithm
from jaxgan.types import Params, PRNGKey

SCALE = 0.5
"""Factor of the codes of `HALVED`."""
ROUNDS = 5
"""Chunks by which the time of a step is measured."""
KEPT_PAIRS = 4
"""Pairs whose images along the path are kept for the film strips."""

Numbers = dict[str, float]

Program = Callable[[Any, jax.Array], tuple[Any, Any]]
"""`program(state, images)` takes one chunk of training steps."""


class Plan(NamedTuple):
    """What all runs have in common.

    Attributes:
        out: folder of the experiment.
        options: of the generator's architecture, for the cards of the models.
        provenance: of the models, for their cards too.
        generator: the generator to train.
        algorithms: by name of the penalty.
        key: random key from which the key of each seed is derived.
        seeds: runs of each arm.
        images: training images, on every device.
        batch_size: images in each batch.
        steps: generator steps of each run, a multiple of `chunk`.
        chunk: steps in one compiled program.
        protocol: how finished generators are judged.
    """

    out: Path
    options: Mapping[str, Any]
    provenance: Mapping[str, Any]
    generator: Generator
    algorithms: Mapping[str, Algorithm]
    key: PRNGKey
    seeds: int
    images: jax.Array
    batch_size: int
    steps: int
    chunk: int
    protocol: judge.Protocol


def run_all(
    plan: Plan, arms: Sequence[Arm], stopping: Callable[[], bool]
) -> dict[Arm, list[Numbers]]:
    """Train and judge every arm, and the controls.

    Args:
        plan: what all runs have in common.
        arms: what to train, from `arms.arms`.
        stopping: whether a signal has asked to stop.

    Returns:
        For each arm and each control, the numbers of every seed.

    Raises:
        Interrupted: after a signal; finished runs are kept on disk.
    """
    program = cache(partial(_compile, plan))
    times = _step_times(plan, program, sorted({arm.penalty for arm in arms}))

    def job(arm: Arm, seed: int) -> jobs.Job[dict[str, dict[str, float | None]]]:
        folder = run_folder(plan.out, arm, seed)

        def run() -> dict[str, dict[str, float | None]]:
            folder.mkdir(parents=True, exist_ok=True)
            compute = partial(_run, plan, program, arm, seed, folder, times, stopping)
            return kept_numbers(folder / "numbers.json", compute)

        return jobs.Job(f"{arm.name}, seed {seed}", 1, run)

    trained = [(arm, seed) for arm in arms for seed in range(plan.seeds)]
    results = jobs.run([job(*each) for each in trained], "run", stopping, plan.out)
    rows: dict[Arm, list[Numbers]] = {}
    for (arm, _), numbers in zip(trained, results, strict=True):
        for judged in (PLAIN, HALVED, EQUAL_TIME) if arm == PLAIN else (arm,):
            row = numbers[judged.name].items()
            finite = {name: math.nan if v is None else v for name, v in row}
            rows.setdefault(judged, []).append(finite)
    return rows


def row_values(rows: Sequence[Numbers], name: str) -> np.ndarray:
    """Return one number of every seed; NaN where a run was lost."""
    return np.array([row.get(name, math.nan) for row in rows], float)


def _initial(plan: Plan, arm: Arm, seed: int) -> Any:
    algorithm = plan.algorithms[arm.penalty]
    key = jax.random.fold_in(plan.key, seed)
    memory.require(jax.eval_shape(algorithm.init, key))
    state = jax.jit(algorithm.init)(key)
    if arm.weight:
        weight = jnp.asarray(arm.weight, state.penalty.weight.dtype)
        state = state._replace(penalty=state.penalty._replace(weight=weight))
    return parallel.replicate(state, parallel.mesh())


def _compile(plan: Plan, penalty: str) -> Program:
    """Compile a chunk of steps, which serves all weights and seeds of a penalty."""
    return training.chunk.lower(
        plan.algorithms[penalty],
        _initial(plan, Arm(penalty), 0),
        plan.images,
        plan.chunk,
        batch_size=plan.batch_size,
        mesh=parallel.mesh(),
    ).compile()


def _step_times(
    plan: Plan, program: Callable[[str], Program], penalties: Sequence[str]
) -> Numbers:
    """Return the milliseconds of a training step, by penalty; they are kept on disk.

    Each is the least of a few chunks, with the penalties in turns: whatever else the
    machine does only adds to it.
    """

    def measure() -> dict[str, np.ndarray]:
        states = {name: _initial(plan, Arm(name), 0) for name in penalties}
        times: dict[str, list[float]] = {name: [] for name in penalties}
        for _ in range(ROUNDS):
            for name in penalties:
                step = program(name)
                started = time.perf_counter()
                states[name], _ = jax.block_until_ready(step(states[name], plan.images))
                times[name].append(1000 * (time.perf_counter() - started) / plan.chunk)
        return {name: np.asarray(min(each)) for name, each in times.items()}

    # If a resumed run has one penalty more, all are measured again.
    least = kept_arrays(plan.out / f"step_ms-{'-'.join(penalties)}.npz", measure)
    return {name: float(milliseconds) for name, milliseconds in least.items()}


def _run(
    plan: Plan,
    program: Callable[[str], Program],
    arm: Arm,
    seed: int,
    folder: Path,
    times: Numbers,
    stopping: Callable[[], bool],
) -> dict[str, Numbers]:
    """Train one seed of an arm and judge it; for `PLAIN`, judge the controls too."""
    advance_one = program(arm.penalty)

    def advance(state: Any, chunks: int) -> Any:
        for _ in range(chunks):
            # Not queued ahead: a signal would wait for all that is.
            state, _ = jax.block_until_ready(advance_one(state, plan.images))
            if stopping():
                raise Interrupted(f"stopped in {arm.name} {seed}; go on with --resume")
        return state

    chunks = plan.steps // plan.chunk
    state = advance(_initial(plan, arm, seed), chunks)
    finished = _finished(plan, state)
    timed = {"steps": float(plan.steps), "step_ms": times[arm.penalty]}
    judged = _judge(plan, finished, state.critic, folder, arm)
    rows = {arm.name: judged | timed}
    if arm != PLAIN:
        return rows
    halved = {} if finished is None else _halved(plan, finished)
    rows[HALVED.name] = rows[PLAIN.name] | halved
    longer = max(0, round((times["path"] / times[PLAIN.penalty] - 1) * chunks))
    state = advance(state, longer)
    finished = _finished(plan, state)
    timed["steps"] += longer * plan.chunk
    later = folder / "later"
    judged = _judge(plan, finished, state.critic, later, EQUAL_TIME)
    return rows | {EQUAL_TIME.name: judged | timed}


def _finished(plan: Plan, state: Any) -> FinishedGenerator | None:
    key, average = jax.device_put((state.key, state.average), jax.devices()[0])
    return gan.finish(key, plan.generator, average)


def _judge(
    plan: Plan,
    finished: FinishedGenerator | None,
    critic: Params,
    folder: Path,
    arm: Arm,
) -> Numbers:
    """Write a model and measure it; NaN if the run was lost."""
    if finished is None:
        return {"frechet_distance": math.nan, "rho": math.nan}
    parts = {
        "generator": storage.Part("mlp_generator", {**plan.options}, finished.params),
        "critic": storage.Part("mlp_critic", {}, critic),
    }
    card = {**plan.provenance, "penalty": arm.name}
    storage.save_model(folder / "model", parts, card)
    numbers, measured = judge.numbers(plan.protocol, finished)
    kept = np.asarray(measured.images[:KEPT_PAIRS], np.float16)
    np.savez_compressed(folder / "films.npz", images=kept)
    return numbers


def _halved(plan: Plan, generator: FinishedGenerator) -> Numbers:
    """Return the numbers of paths of G(z / c) between codes c z, for c = `SCALE`.

    The images are the same ones, and the latent space has another scale.
    """
    weights = generator.params
    layer = weights["hidden_0"]["affine"]
    layer = {**layer, "kernel": layer["kernel"] / SCALE}
    scaled = {**weights, "hidden_0": {**weights["hidden_0"], "affine": layer}}
    moved = FinishedGenerator(generator.network, scaled)
    codes = jnp.asarray(SCALE * plan.protocol.codes)
    measured = judge.measure_paths(moved, plan.protocol.segments, codes)
    return judge.path_numbers(plan.protocol, measured)
