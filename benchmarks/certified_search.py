"""Speed of certified minima: `python -m benchmarks.certified_search` prints JSON.

The code of one test digit is searched from many starts, and what is found is settled in
minima and certified. In turns with this, plain Adam follows the same starts on the same
objective, ½‖G(z) − x‖² + ½κ‖z‖², and certifies nothing. Seconds are medians over
rounds, without compiling, which is what a first call takes beyond the later ones.
"""

import json
import statistics
import time
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

from benchmarks.flags import command_line
from benchmarks.machine import machine
from experiments.invert.report import DEFINITE
from jaxgan import data, inversion, load_generator, minima, pixels
from jaxgan.networks import FinishedGenerator

KEY = jax.random.key(0)
PRIOR_WEIGHT = 0.01
ADAM_RATE = 0.05


def adam_program(
    generator: FinishedGenerator, target: np.ndarray, steps: int
) -> Callable[[jax.Array], jax.Array]:
    """Return a compiled function from starts to the best codes that Adam visits."""
    wanted = jnp.asarray(target)

    @jax.jit
    def follow(starts: jax.Array) -> jax.Array:
        return inversion.descend(
            generator.generate,
            starts,
            jnp.broadcast_to(wanted, (len(starts), *wanted.shape)),
            optax.with_extra_args_support(optax.adam(ADAM_RATE)),
            steps,
            prior_weight=PRIOR_WEIGHT,
        ).latents

    return follow


def measure(
    generator: FinishedGenerator, target: np.ndarray, starts: int, steps: int
) -> Callable[[], tuple[dict[str, float], minima.Settled, np.ndarray]]:
    """Return a function that does each part once.

    It returns the seconds of each part, the settled points, and Adam's codes.

    Args:
        generator: whose codes are searched.
        target: the image, pixels in [-1, 1].
        starts: number of starts.
        steps: of Adam.
    """
    targets, owners = target[None], np.zeros(starts, int)

    def search(max_steps: int = 8) -> np.ndarray:
        return inversion.invert_many(
            KEY,
            generator,
            jnp.asarray(targets),
            num_starts=starts,
            prior_weight=PRIOR_WEIGHT,
            double_steps=0,
            max_steps=max_steps,
        ).latents[0]

    begun = jnp.asarray(search(max_steps=0), jnp.float32)  # where the search begins
    follow = adam_program(generator, target, steps)

    def once() -> tuple[dict[str, float], minima.Settled, np.ndarray]:
        seconds: dict[str, float] = {}

        def timed(name: str, run: Callable[[], Any]) -> Any:
            started = time.perf_counter()
            found = jax.block_until_ready(run())
            seconds[name] = time.perf_counter() - started
            return found

        found = timed("search", search)
        settled = timed(
            "settle",
            lambda: minima.settle_many(
                generator, found, targets, owners, prior_weight=PRIOR_WEIGHT
            ),
        )
        followed = timed("adam", lambda: follow(begun))
        return seconds, settled, np.asarray(followed)

    return once


def reached(
    generator: FinishedGenerator, target: np.ndarray, latents: np.ndarray
) -> dict[str, float]:
    """Return medians over codes of the error, pixels in [0, 1], and the objective."""
    images = np.asarray(generator.generate(jnp.asarray(latents, jnp.float32)))
    squares = ((images - target) ** 2).sum((1, 2, 3))
    values = squares / 2 + PRIOR_WEIGHT / 2 * (latents**2).sum(1)
    return {
        "mse_per_pixel_median": float(np.median(squares)) / (4 * target.size),
        "objective_median": float(np.median(values)),
    }


def compare(
    generator: FinishedGenerator,
    target: np.ndarray,
    starts: int,
    steps: int,
    rounds: int,
) -> dict[str, Any]:
    """Return the times of both ways, medians over the rounds, and what they reach."""
    once = measure(generator, target, starts, steps)
    first, *_ = once()
    later = [once() for _ in range(rounds)]
    _, settled, followed = later[-1]
    middle = {
        name: statistics.median(seconds[name] for seconds, *_ in later)
        for name in first
    }
    ours = middle["search"] + middle["settle"]
    return {
        "starts": starts,
        "search_seconds": middle["search"],
        "settle_and_certify_seconds": middle["settle"],
        "starts_per_second": starts / ours,
        "definite_fraction": float(
            np.isin(settled.certificates.status, DEFINITE).mean()
        ),
        **reached(generator, target, settled.latents),
        "adam": {
            "steps": steps,
            "seconds": middle["adam"],
            **reached(generator, target, followed),
        },
        "adam_over_certified_search": middle["adam"] / ours,
        "compile_seconds": {name: first[name] - middle[name] for name in first},
    }


def main() -> None:
    """Print one JSON object."""
    line = command_line(
        __doc__,
        image=(500, "number of the test digit"),
        starts=(64, "starts of the search"),
        adam_steps=(1000, "steps of Adam from each start"),
        rounds=(3, "how often everything is timed"),
    )
    line.add_argument("--dataset", default="sample", help="dataset of the test digit")
    line.add_argument("--data-dir", help="folder with the four official IDX files")
    flags = line.parse_args()
    test = data.load(flags.dataset, "test", data_dir=flags.data_dir)
    if not 0 <= flags.image < len(test.images):
        line.error(f"--image must be in 0…{len(test.images) - 1}, got {flags.image}")
    chosen = jnp.asarray(test.images[flags.image])
    result = compare(
        load_generator("mnist-wgan-gp"),
        np.asarray(pixels.as_inputs(chosen)),
        flags.starts,
        flags.adam_steps,
        flags.rounds,
    )
    found = {"dataset": test.name, "image": flags.image, **result}
    print(json.dumps({**machine(), **found}, indent=2))


if __name__ == "__main__":
    main()
