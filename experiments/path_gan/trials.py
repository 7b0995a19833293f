"""One generator after another: penalties and weights, several seeds of each.

A run that is finished has its numbers on disk and is not made again.
"""

import math
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from tqdm import tqdm

from experiments.path_gan import judge
from experiments.path_gan.arms import PLAIN, Arm
from experiments.path_gan.judge import Bench
from experiments.running.errors import Interrupted
from experiments.running.parts import kept_arrays, kept_numbers
from jaxgan import parallel, storage, training
from jaxgan.networks import Generator
from jaxgan.training import Algorithm
from jaxgan.types import Params, PRNGKey

FOLDING_LATENTS = 10_000
LATER, RESCALED = f"{PLAIN}, equal time", f"{PLAIN}, codes halved"
SCALE = 0.5
ROUNDS = 5
KEPT_PAIRS = 4
"""Whose images are kept for the film strips."""

Numbers = dict[str, float]


class Plan(NamedTuple):
    """What all runs have in common.

    Attributes:
        out: the experiment's folder.
        generator: that is trained.
        apply: of the generator once it is folded.
        save: `save(folder, weights, critic, name)` writes a model.
        algorithms: by penalty.
        key: of the seeds.
        seeds: of each arm.
        images: to train on, on every device.
        batch_size: of them.
        steps: generator steps of each run, in chunks.
        chunk: steps in one program.
        bench: to judge by.
    """

    out: Path
    generator: Generator
    apply: judge.Apply
    save: Callable[[Path, Params, Params, str], None]
    algorithms: dict[str, Algorithm]
    key: PRNGKey
    seeds: int
    images: jax.Array
    batch_size: int
    steps: int
    chunk: int
    bench: Bench


def run_all(
    plan: Plan, arms: Sequence[Arm], stopping: Callable[[], bool]
) -> dict[str, list[Numbers]]:
    """Train and judge every arm; the plain one, which is last, for equal time too.

    Returns:
        The numbers of every seed, by name of the arm.

    Raises:
        Interrupted: when asked to stop; finished runs are kept.
    """
    programs: dict[str, Any] = {}
    times = _step_times(plan, programs, sorted({arm.penalty for arm in arms}))
    found: dict[str, list[Numbers]] = {}
    bar = tqdm(total=len(arms) * plan.seeds, unit="run", disable=None)
    with bar:
        for arm in arms:
            for seed in range(plan.seeds):
                folder = plan.out / "models" / arm.name.replace(" ", "-") / str(seed)
                if stopping():
                    raise Interrupted("stopped between runs; go on with --resume")
                folder.mkdir(parents=True, exist_ok=True)
                numbers = kept_numbers(
                    folder / "numbers.json",
                    partial(_run, plan, programs, arm, seed, folder, times, stopping),
                )
                for name, row in numbers.items():
                    read = {k: math.nan if v is None else v for k, v in row.items()}
                    found.setdefault(name, []).append(read)
                bar.update()
                bar.set_postfix(run=f"{arm.name} {seed}")
    return found


def _begin(plan: Plan, arm: Arm, seed: int) -> Any:
    algorithm = plan.algorithms[arm.penalty]
    state = jax.jit(algorithm.init)(jax.random.fold_in(plan.key, seed))
    if arm.weight:
        own = state.generator_optimizer
        own = own._replace(weight=jnp.asarray(arm.weight, own.weight.dtype))
        state = state._replace(generator_optimizer=own)
    return parallel.replicate(state, parallel.mesh())


def _program(plan: Plan, programs: dict[str, Any], penalty: str) -> Any:
    """Compile once for all weights and seeds of a penalty."""
    if penalty not in programs:
        algorithm, state = plan.algorithms[penalty], _begin(plan, Arm(penalty, 0.0), 0)
        programs[penalty] = training.chunk.lower(
            algorithm,
            state,
            plan.images,
            plan.chunk,
            batch_size=plan.batch_size,
            mesh=parallel.mesh(),
        ).compile()
    return programs[penalty]


def _step_times(
    plan: Plan, programs: dict[str, Any], penalties: Sequence[str]
) -> Numbers:
    """Milliseconds of a step, the least of a few chunks in turns; kept on disk.

    The least, because whatever else the machine does only adds to it.
    """

    def measure() -> dict[str, np.ndarray]:
        states = {name: _begin(plan, Arm(name, 0.0), 0) for name in penalties}
        times: dict[str, list[float]] = {name: [] for name in penalties}
        for _ in range(ROUNDS):
            for name in penalties:
                program = _program(plan, programs, name)
                started = time.perf_counter()
                states[name], _ = jax.block_until_ready(
                    program(states[name], plan.images)
                )
                times[name].append(1000 * (time.perf_counter() - started) / plan.chunk)
        return {name: np.asarray(min(each)) for name, each in times.items()}

    # Resumed with a penalty more, all are measured again.
    least = kept_arrays(plan.out / f"step_ms-{'-'.join(penalties)}.npz", measure)
    return {name: float(milliseconds) for name, milliseconds in least.items()}


def _run(
    plan: Plan,
    programs: dict[str, Any],
    arm: Arm,
    seed: int,
    folder: Path,
    times: Numbers,
    stopping: Callable[[], bool],
) -> dict[str, Numbers]:
    """Train one seed of one arm and judge it; without a penalty at equal time too."""
    program = _program(plan, programs, arm.penalty)

    def advance(state: Any, chunks: int) -> Any:
        for _ in range(chunks):
            # Not queued ahead: a signal would wait for all that is.
            state, _ = jax.block_until_ready(program(state, plan.images))
            if stopping():
                raise Interrupted(f"stopped in {arm.name} {seed}; go on with --resume")
        return state

    chunks = plan.steps // plan.chunk
    state = advance(_begin(plan, arm, seed), chunks)
    weights = _folded(plan, state)
    timed = {"steps": float(plan.steps), "step_ms": times[arm.penalty]}
    rows = {arm.name: _judge(plan, weights, state.critic, folder, arm.name) | timed}
    if arm.penalty != PLAIN:
        return rows
    if weights is not None:
        rows[RESCALED] = rows[PLAIN] | _rescaled(plan, weights)
    longer = max(0, round((times["path"] / times[PLAIN] - 1) * chunks))
    state = advance(state, longer)
    weights = _folded(plan, state)
    timed["steps"] += longer * plan.chunk
    later = _judge(plan, weights, state.critic, folder / "later", LATER)
    return rows | {LATER: later | timed}


def _folded(plan: Plan, state: Any) -> Params | None:
    """Fold the averaged generator, on one device; None if it is not finite."""
    state = jax.device_put(state, jax.devices()[0])
    leaves = jax.tree.leaves((state.average, state.critic))
    if not all(bool(jnp.isfinite(leaf).all()) for leaf in leaves):
        return None
    latents = jax.random.normal(state.key, (FOLDING_LATENTS, plan.generator.latent_dim))
    return storage.as_stored(plan.generator.fold(state.average, latents)[1])


def _judge(
    plan: Plan, weights: Params | None, critic: Params, folder: Path, name: str
) -> Numbers:
    """Write the model and measure it; NaN for a run that is lost."""
    if weights is None:
        return {"frechet_distance": math.nan, "rho": math.nan}
    plan.save(folder / "model", weights, critic, name)
    numbers, walked = judge.numbers(plan.bench, plan.apply, weights)
    kept = np.asarray(walked.images[:KEPT_PAIRS], np.float16)
    np.savez_compressed(folder / "films.npz", images=kept)
    return numbers


def _rescaled(plan: Plan, weights: Params) -> Numbers:
    """The paths of G(z / c) between codes c z: the same images, another scale."""
    layer = weights["hidden_0"]["affine"]
    layer = {**layer, "kernel": layer["kernel"] / SCALE}
    moved = {**weights, "hidden_0": {**weights["hidden_0"], "affine": layer}}
    codes = jnp.asarray(SCALE * plan.bench.codes)
    walked = judge.walk(plan.apply, plan.bench.segments, moved, codes)
    return judge.path_numbers(plan.bench, walked)


def row_values(rows: Sequence[Numbers], name: str) -> np.ndarray:
    """Read one number of every seed; NaN where a run was lost."""
    return np.array([row.get(name, math.nan) for row in rows], float)
