"""Cost of the penalties on paths: `python -m benchmarks.path_penalty` prints JSON.

Training steps of the WGAN-GP are timed with and without each penalty, in turns: by the
clock, and in processor time, which other programs disturb less. The least of all rounds
counts. On one core of an idle machine (`taskset -c 0`) the two agree.
"""

import json
import math
import time

from benchmarks.flags import command_line
from benchmarks.machine import machine
from benchmarks.measuring import seconds, training_program
from jaxgan import gan
from jaxgan.gan import Penalty, path_energy_penalty, path_length_penalty
from jaxgan.networks import mlp_critic, mlp_generator
from jaxgan.training import Algorithm

NUM_IMAGES = 10_000
STEPS = 80


def algorithms(latent_dim: int, every: int) -> dict[str, Algorithm]:
    """Return the algorithm without a penalty, and with each one."""
    generator, critic = mlp_generator(latent_dim), mlp_critic()

    def penalised(penalty: Penalty) -> Algorithm:
        regulariser = gan.lazy_regulariser(penalty, weight=0.1, every=every)
        return gan.wgan_gp(generator, critic, regulariser=regulariser)

    return {
        "plain": gan.wgan_gp(generator, critic),
        "path": penalised(path_energy_penalty(generator)),
        "line": penalised(path_energy_penalty(generator, steps=0)),
        "path_length": penalised(path_length_penalty(generator)),
    }


def main() -> None:
    """Print one JSON object."""
    flags = command_line(
        __doc__,
        latent_dim=(64, "dimensions of the latent space"),
        every=(8, "generator steps from one use of a penalty to the next"),
        rounds=(5, "how often everything is timed"),
    ).parse_args()
    programs = {
        name: training_program(algorithm, NUM_IMAGES, STEPS, batch_size=64)
        for name, algorithm in algorithms(flags.latent_dim, flags.every).items()
    }
    for run, _ in programs.values():
        run()
    wall: dict[str, float] = dict.fromkeys(programs, math.inf)
    processor = dict(wall)
    for _ in range(flags.rounds):
        for name, (run, _) in programs.items():
            spent = time.process_time()
            wall[name] = min(wall[name], 1000 * seconds(run) / STEPS)
            spent = time.process_time() - spent
            processor[name] = min(processor[name], 1000 * spent / STEPS)

    def over_plain(found: dict[str, float]) -> dict[str, float]:
        return {name: value / found["plain"] for name, value in found.items()}

    result = {
        **machine(),
        "batch_size": 64,
        "every": flags.every,
        "step_ms": wall,
        "step_over_plain": over_plain(wall),
        "processor_ms": processor,
        "processor_over_plain": over_plain(processor),
        "compile_seconds": {name: spent for name, (_, spent) in programs.items()},
    }
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
