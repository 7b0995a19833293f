"""All benchmarks, by name, as `python -m benchmarks` runs them. Imports nothing heavy.

What other modules of this folder print is not on the list: `torch_peer`,
`torch_inversion` and `on_devices` are started by the benchmarks that they belong to.
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple

from benchmarks import rows


class Benchmark(NamedTuple):
    """A benchmark, and how to run it so that it takes minutes at most.

    Attributes:
        what: what it measures.
        row: from the JSON that it prints to its row of the table.
        flags: those that are not its defaults.
    """

    what: str
    row: Callable[[rows.Result], rows.Row]
    flags: Mapping[str, int | str]


BENCHMARKS = {
    "train_step": Benchmark(
        "training step of the WGAN-GP, batch 64",
        rows.train_step,
        {"batch_sizes": 64, "rounds": 3},
    ),
    "first_picture": Benchmark(
        "Fréchet distance of samples after 50 epochs of 4,000 digits",
        rows.first_picture,
        {},
    ),
    "certified_search": Benchmark(
        "certified minima of one digit from 64 starts", rows.certified_search, {}
    ),
    "inversion": Benchmark(
        "codes by 10 starts × 200 gradients an image",
        rows.inversion,
        {"images": 10},
    ),
    "paths": Benchmark(
        "paths of least energy between codes, 64 segments",
        rows.paths,
        {"pairs": 20, "compared": 10, "dataset": "sample"},
    ),
    "echo": Benchmark(
        "training step with Echo noise, batch 128, depth 64", rows.echo, {}
    ),
    "path_penalty": Benchmark(
        "training step of the WGAN-GP, penalised every 8 steps", rows.path_penalty, {}
    ),
    "path_gradient": Benchmark(
        "error of the gradient of the penalty on path energy", rows.path_gradient, {}
    ),
    "devices": Benchmark(
        "processor time of equal work on each virtual device", rows.devices, {}
    ),
    "summed_gradient": Benchmark(
        "gradient of one layer, summed over two virtual devices",
        rows.summed_gradient,
        {},
    ),
}
