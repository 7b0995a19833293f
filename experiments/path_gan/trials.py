"""The runs of a penalty sweep: train a generator, judge it, and keep its numbers.

A run whose numbers are on disk is not repeated.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from functools import cache, partial
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from experiments.path_gan import judge, runs
from experiments.path_gan.arms import (
    ENCODER_WIDTHS,
    EQUAL_TIME,
    HALVED,
    PLAIN,
    Arm,
    run_folder,
    trained_generator,
)
from experiments.running import critics, jobs
from experiments.running.parts import kept_numbers
from jaxgan import gan, storage
from jaxgan.networks import FinishedGenerator

SCALE = 0.5
"""Factor of the codes of `HALVED`."""
KEPT_PAIRS = 4
"""Pairs whose images along the path are kept for the film strips."""

Numbers = dict[str, float]


def run_all(
    plan: runs.Plan, arms: Sequence[Arm], stopping: Callable[[], bool]
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
    program = cache(partial(runs.compile_chunk, plan))
    if plan.plain_steps:
        train = partial(runs.shared, plan, program, stopping)
        shared = [
            jobs.Job(f"shared, seed {seed}", 1, partial(train, seed))
            for seed in range(plan.seeds)
        ]
        jobs.run(shared, "run", stopping, plan.out)
    times = runs.step_times(plan, program, sorted({arm.unweighted for arm in arms}))

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
            if judged.name in numbers:
                row = numbers[judged.name].items()
                finite = {name: math.nan if v is None else v for name, v in row}
                rows.setdefault(judged, []).append(finite)
    return rows


def row_values(rows: Sequence[Numbers], name: str) -> np.ndarray:
    """Return one number of every seed; NaN where a run was lost."""
    return np.array([row.get(name, math.nan) for row in rows], float)


def _run(
    plan: runs.Plan,
    program: Callable[[Arm], runs.Program],
    arm: Arm,
    seed: int,
    folder: Path,
    times: Mapping[Arm, float],
    stopping: Callable[[], bool],
) -> dict[str, Numbers]:
    """Train one seed of an arm and judge it; for `PLAIN`, judge the controls too."""
    advance = partial(runs.advance, plan, program(arm.unweighted), stopping)
    chunks, what = plan.steps // plan.chunk, f"{arm.name} {seed}"
    state = advance(runs.begin(plan, program, stopping, arm, seed), chunks, what)
    finished = _finished(plan, arm, state)
    steps = float(plan.plain_steps + plan.steps)
    timed = {"steps": steps, "step_ms": times[arm.unweighted]}
    judged = _judge(plan, finished, state, folder, arm)
    rows = {arm.name: judged | timed}
    if arm != PLAIN or plan.plain_steps:
        return rows
    halved = {} if finished is None else _halved(plan, finished)
    # Codes of given images were not searched for in the other latent space.
    same = {n: v for n, v in rows[PLAIN.name].items() if not n.startswith("given_")}
    rows[HALVED.name] = same | halved
    longer = round((max(times.values()) / times[PLAIN] - 1) * chunks)
    state = advance(state, longer, what)
    finished = _finished(plan, arm, state)
    timed["steps"] += longer * plan.chunk
    later = folder / "later"
    judged = _judge(plan, finished, state, later, EQUAL_TIME)
    return rows | {EQUAL_TIME.name: judged | timed}


def _finished(plan: runs.Plan, arm: Arm, state: Any) -> FinishedGenerator | None:
    key, average = jax.device_put((state.key, state.average), jax.devices()[0])
    trained = trained_generator(plan.generator, arm.variant)
    return gan.finish(key, trained, average)


def _judge(
    plan: runs.Plan,
    finished: FinishedGenerator | None,
    state: gan.State,
    folder: Path,
    arm: Arm,
) -> Numbers:
    """Write a model and measure it; NaN if the run was lost."""
    if finished is None:
        return {"frechet_distance": math.nan, "rho": math.nan}
    parts = {
        "generator": storage.Part("mlp_generator", {**plan.options}, finished.params),
        "critic": critics.part("mlp", {}, plan.centre, state.critic),
    }
    if isinstance(state.penalty, gan.EncoderState):
        sizes = {"latent_dim": plan.generator.latent_dim, "widths": [*ENCODER_WIDTHS]}
        parts["encoder"] = storage.Part("mlp_encoder", sizes, state.penalty.encoder)
    card = {**plan.provenance, "penalty": arm.name}
    storage.save_model(folder / "model", parts, card)
    numbers, measured = judge.numbers(plan.protocol, finished)
    kept = np.asarray(measured.images[:KEPT_PAIRS], np.float16)
    np.savez_compressed(folder / "films.npz", images=kept)
    return numbers


def _halved(plan: runs.Plan, generator: FinishedGenerator) -> Numbers:
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
