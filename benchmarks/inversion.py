"""Speed of the search for codes: `python -m benchmarks.inversion` prints JSON.

At Defense-GAN's budget of 10 starts × 200 gradients these are timed in turns: all
images at once; one image after another, with its starts together; one start after
another; the matrix products of all gradients alone; and, if PyTorch is installed, eager
PyTorch, all images at once and one image after another. Then the Levenberg-Marquardt
search is timed with all starts to the end, and with the worse ones given up.
"""

import json
import statistics
import time
from collections.abc import Callable
from functools import partial

import jax
import numpy as np

from benchmarks.flags import command_line
from benchmarks.machine import machine
from benchmarks.measuring import in_own_process, seconds, torch_is_installed
from benchmarks.products import each, products_program
from benchmarks.sizes import GENERATOR_WIDTHS, dense
from jaxgan import inversion, load_generator

STARTS, STEPS = 10, 200
BUDGET = STARTS * STEPS
KEY = jax.random.key(0)


def search_program(generate, optimizer, starts, targets) -> Callable[..., object]:
    """Compile the search from `starts`, each with its target."""

    @jax.jit
    def search(latents, targets):
        return inversion.descend(
            generate, latents, targets, optimizer, STEPS, fit=inversion.pixel_mean
        )

    return search.lower(starts, targets).compile()


def compare(images: int, rounds: int) -> dict[str, object]:
    """Return ratios of times, medians over the rounds."""
    generator = load_generator("mnist-wgan-gp")
    target_key, start_key = jax.random.split(KEY)
    draw = jax.jit(generator.generate)
    targets = draw(jax.random.normal(target_key, (images, generator.latent_dim)))
    starts = jax.random.normal(start_key, (images * STARTS, generator.latent_dim)) / 8
    optimizer = inversion.RECIPES["defense_gan"].optimizer(STEPS)
    layers = dense(GENERATOR_WIDTHS)
    rows = images * STARTS
    wanted = jax.numpy.repeat(targets, STARTS, 0)
    compile_for = partial(search_program, generator.generate, optimizer)
    all_images = compile_for(starts, wanted)

    def in_groups(size: int) -> Callable[[], list[object]]:
        program = compile_for(starts[:size], wanted[:size])
        slices = [slice(first, first + size) for first in range(0, rows, size)]
        return lambda: [program(starts[s], wanted[s]) for s in slices]

    contenders = {
        "at_once": lambda: all_images(starts, wanted),
        "image_by_image": in_groups(STARTS),
        "start_by_start": in_groups(1),
        "gemm": products_program(
            each("forward", rows, layers) + each("inputs", rows, layers), STEPS
        ),
    }
    for run in contenders.values():
        jax.block_until_ready(run())
    peers = {"torch": images, "torch_image_by_image": 1}
    times: dict[str, list[float]] = {name: [] for name in (*contenders, *peers)}
    has_torch = torch_is_installed()
    for _ in range(rounds):
        for name, run in contenders.items():
            times[name].append(seconds(run))
        for name, at_once in peers.items() if has_torch else ():
            peer = in_own_process(
                "benchmarks.torch_inversion",
                images=at_once,
                starts=STARTS,
                steps=STEPS,
            )
            times[name].append(peer["seconds"] * images / at_once)
    middle = {name: statistics.median(t) for name, t in times.items() if t}
    return {
        "images": images,
        "images_per_second": images / middle["at_once"],
        "image_by_image_over_at_once": middle["image_by_image"] / middle["at_once"],
        "start_by_start_over_at_once": middle["start_by_start"] / middle["at_once"],
        **{
            f"{name}_over_at_once": (
                middle[name] / middle["at_once"] if has_torch else None
            )
            for name in peers
        },
        "at_once_over_gemm_limit": middle["at_once"] / middle["gemm"],
        "microseconds_per_gradient": 1e6 * middle["at_once"] / (images * BUDGET),
    }


def giving_up(images: int) -> dict[str, object]:
    """Return the times of the search from 16 starts, with and without giving up."""
    generator = load_generator("mnist-wgan-gp")
    draw = jax.jit(generator.generate)
    targets = draw(jax.random.normal(KEY, (images, generator.latent_dim)))
    targets = jax.numpy.clip(targets + 0.2, -1, 1)
    taken: dict[str, object] = {}
    for name, survivors in (("all_starts", None), ("two_survive", 2)):

        def run(survivors=survivors):
            return inversion.invert_many(
                KEY,
                generator,
                targets,
                num_starts=16,
                survivors=survivors,
            )

        run()
        started = time.perf_counter()
        found = run()
        taken[name] = {
            "seconds": time.perf_counter() - started,
            "steps_per_image": float(found.steps[-1].sum() / images),
            "best_mse_per_pixel_median": float(np.median(found.errors.min(1))),
        }
    return taken


def main() -> None:
    """Print one JSON object."""
    flags = command_line(
        __doc__,
        images=(50, "images to invert"),
        rounds=(3, "how often everything is timed"),
    ).parse_args()
    result = {
        **machine(),
        "defense_gan_budget": compare(flags.images, flags.rounds),
        "giving_up_starts": giving_up(flags.images // 5 or 1),
    }
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
