"""How the generators of a penalty sweep are trained: shared steps, then each arm's."""

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from experiments.path_gan import judge
from experiments.path_gan.arms import PLAIN, Arm
from experiments.running import memory
from experiments.running.errors import Interrupted
from experiments.running.parts import kept_arrays
from jaxgan import gan, parallel, training
from jaxgan.networks import Generator
from jaxgan.training import Algorithm
from jaxgan.types import PRNGKey

ROUNDS = 5
"""Chunks by which the time of a step is measured."""

Program = Callable[[Any, jax.Array], tuple[Any, Any]]
"""`program(state, images)` takes one chunk of training steps."""


class Plan(NamedTuple):
    """What all runs have in common.

    Attributes:
        out: folder of the experiment.
        options: of the generator's architecture, for the cards of the models.
        provenance: of the models, for their cards too.
        generator: the generator to train.
        centre: what is subtracted from images before the critic, if anything.
        algorithms: by `Arm.unweighted`.
        key: random key from which the key of each seed is derived.
        seeds: runs of each arm.
        images: training images, on every device.
        batch_size: images in each batch.
        plain_steps: generator steps without a penalty that all runs of a seed share, a
            multiple of `chunk`.
        steps: generator steps of each run after them, a multiple of `chunk`.
        chunk: steps in one compiled program.
        protocol: how finished generators are judged.
    """

    out: Path
    options: Mapping[str, Any]
    provenance: Mapping[str, Any]
    generator: Generator
    centre: np.ndarray | None
    algorithms: Mapping[Arm, Algorithm]
    key: PRNGKey
    seeds: int
    images: jax.Array
    batch_size: int
    plain_steps: int
    steps: int
    chunk: int
    protocol: judge.Protocol


def _initial(plan: Plan, arm: Arm, seed: int) -> Any:
    """Return the state in which a run begins, if there are no shared steps."""
    algorithm = plan.algorithms[arm.unweighted]
    key = jax.random.fold_in(plan.key, seed)
    memory.require(jax.eval_shape(algorithm.init, key))
    state = _with_strength(jax.jit(algorithm.init)(key), arm)
    return parallel.replicate(state, parallel.mesh())


def _with_strength(state: Any, arm: Arm) -> Any:
    if not arm.weight:
        return state
    name = "ratio" if isinstance(state.penalty, gan.MatchedState) else "weight"
    strength = {name: jnp.asarray(arm.weight, jnp.float32)}
    return state._replace(penalty=state.penalty._replace(**strength))


def begin(
    plan: Plan,
    program: Callable[[Arm], Program],
    stopping: Callable[[], bool],
    arm: Arm,
    seed: int,
) -> Any:
    """Return the state in which a run begins: after the shared steps, if any."""
    begun = _initial(plan, arm, seed)
    if not plan.plain_steps:
        return begun
    kept = shared(plan, program, stopping, seed)
    plain = jax.eval_shape(plan.algorithms[PLAIN].init, plan.key)
    structure = jax.tree.structure(plain._replace(key=0))
    leaves = [jnp.asarray(kept[f"leaf_{n}"]) for n in range(structure.num_leaves)]
    state = jax.tree.unflatten(structure, leaves)
    # The key is the one that the run begins with: shared steps do not change it.
    state = state._replace(key=begun.key, penalty=begun.penalty)
    return parallel.replicate(state, parallel.mesh())


def shared(
    plan: Plan,
    program: Callable[[Arm], Program],
    stopping: Callable[[], bool],
    seed: int,
) -> Mapping[str, Any]:
    """Return the leaves of the state after the shared steps, without its key."""
    folder = plan.out / "models" / "shared"
    folder.mkdir(parents=True, exist_ok=True)

    def compute() -> dict[str, np.ndarray]:
        state = _initial(plan, PLAIN, seed)
        chunks = plan.plain_steps // plan.chunk
        what = f"the shared steps of seed {seed}"
        state = advance(plan, program(PLAIN), stopping, state, chunks, what)
        leaves = jax.tree.leaves(state._replace(key=0))
        return {f"leaf_{n}": np.asarray(leaf) for n, leaf in enumerate(leaves)}

    return kept_arrays(folder / f"{seed}.npz", compute)


def advance(
    plan: Plan,
    program: Program,
    stopping: Callable[[], bool],
    state: Any,
    chunks: int,
    what: str,
) -> Any:
    """Return the state after some chunks of steps.

    Raises:
        Interrupted: after a signal; it says in `what` training was stopped.
    """
    for _ in range(chunks):
        # Not queued ahead: a signal would wait for all that is.
        state, _ = jax.block_until_ready(program(state, plan.images))
        if stopping():
            raise Interrupted(f"stopped in {what}; go on with --resume")
    return state


def compile_chunk(plan: Plan, arm: Arm) -> Program:
    """Compile a chunk of steps, which serves all weights and seeds of an algorithm."""
    return training.chunk.lower(
        plan.algorithms[arm.unweighted],
        _initial(plan, arm, 0),
        plan.images,
        plan.chunk,
        batch_size=plan.batch_size,
        mesh=parallel.mesh(),
    ).compile()


def step_times(
    plan: Plan, program: Callable[[Arm], Program], arms: Sequence[Arm]
) -> dict[Arm, float]:
    """Return the milliseconds of a training step, by arm; they are kept on disk.

    Each is the least of a few chunks, with the arms in turns: whatever else the machine
    does only adds to it.

    Args:
        plan: what all runs have in common.
        program: compiles a chunk of an arm without its weight.
        arms: without their weights.
    """

    def measure() -> dict[str, np.ndarray]:
        states = {arm: _initial(plan, arm, 0) for arm in arms}
        times: dict[str, list[float]] = {arm.name: [] for arm in arms}
        for _ in range(ROUNDS):
            for arm in arms:
                step = program(arm)
                started = time.perf_counter()
                states[arm], _ = jax.block_until_ready(step(states[arm], plan.images))
                spent = time.perf_counter() - started
                times[arm.name].append(1000 * spent / plan.chunk)
        return {name: np.asarray(min(each)) for name, each in times.items()}

    # If a resumed run has one arm more, all are measured again.
    names = "-".join(arm.name for arm in arms).replace(", ", "-").replace(" ", "-")
    least = kept_arrays(plan.out / f"step_ms-{names}.npz", measure)
    return {arm: float(least[arm.name]) for arm in arms}
