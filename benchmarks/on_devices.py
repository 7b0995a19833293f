"""Times of training, search and paths on some virtual devices; prints JSON.

The work grows with the number of devices. Each has a core of its own while there are
enough (`virtual_devices`).
"""

import json
import time
from collections.abc import Callable

from benchmarks import virtual_devices
from benchmarks.flags import command_line

BATCH, STARTS, PAIRS = 64, 32, 4
"""Images in a batch, starts of a search, and pairs of codes, on each device."""
STEPS, REPEATS = 20, 3
"""Training steps in one call; timed calls."""


def measure(run: Callable[[], object]) -> dict[str, float]:
    """Return the least wall-clock and processor seconds of `REPEATS` calls.

    A first call, which may compile, is not counted.
    """
    run()
    found = []
    for _ in range(REPEATS):
        started = time.perf_counter(), time.process_time()
        run()
        ended = time.perf_counter(), time.process_time()
        found.append([b - a for a, b in zip(started, ended, strict=True)])
    wall, processor = map(min, zip(*found, strict=True))
    return {"wall": wall, "processor": processor}


def work() -> dict[str, dict[str, float]]:
    """Return the times of training, of the search for codes, and of finding paths."""
    import jax

    from benchmarks.measuring import training_program
    from jaxgan import gan, inversion, load_generator, networks, parallel, paths

    mesh = parallel.mesh()
    train, _ = training_program(
        gan.wgan_gp(networks.mlp_generator(64), networks.mlp_critic()),
        1024,
        STEPS,
        batch_size=BATCH * mesh.size,
        mesh=mesh,
    )
    generator = load_generator("mnist-wgan-gp")
    count = PAIRS * mesh.size
    codes = jax.random.normal(jax.random.key(1), (2, count, generator.latent_dim))
    ends = tuple(generator.generate(some) for some in codes)

    def search() -> None:
        inversion.invert_many(
            jax.random.key(2),
            generator,
            ends[0],
            num_starts=STARTS // PAIRS,
            bank_size=0,
            max_steps=10,
            double_steps=0,
            chunk=STARTS * mesh.size,
        )

    metrics = paths.between_images(generator)

    def find_paths() -> None:
        paths.minimise_many(
            metrics,
            codes[0],
            codes[1],
            ends,
            levels=(8, 16),
            tolerance=0.0,
            max_evaluations=10,
        )

    return {
        "train": measure(train),
        "search": measure(search),
        "paths": measure(find_paths),
    }


if __name__ == "__main__":
    count = (
        command_line(__doc__, devices=(1, "number of virtual devices"))
        .parse_args()
        .devices
    )
    virtual_devices.use(count)
    print(json.dumps(work()))
