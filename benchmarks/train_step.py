"""Speed of a WGAN-GP training step: `python -m benchmarks.train_step` prints JSON.

These are timed in turns: the step inside `jaxgan.training.chunk`, an epoch of 60,000
images at a time, as the experiments run it; its matrix products alone; and, if PyTorch
is installed, the same step in eager PyTorch, as it is usually written and with the same
two savings (see `benchmarks.torch_peer`).
"""

import json
import statistics
from collections.abc import Callable

from benchmarks.flags import command_line
from benchmarks.machine import machine
from benchmarks.measuring import (
    in_own_process,
    seconds,
    torch_is_installed,
    training_program,
)
from benchmarks.products import Product, each, gflop, products_program
from benchmarks.sizes import layers
from jaxgan import gan, networks

NUM_IMAGES = 60_000


def step_products(architecture: str, batch: int) -> list[Product]:
    """Return the matrix products that a step cannot do without."""
    generator, critic = layers(architecture)
    return [
        *each("forward", batch, generator),
        # The critic's scores of real and fake images, and their gradient.
        *each("forward", 2 * batch, critic),
        *each("weights", 2 * batch, critic),
        *each("inputs", 2 * batch, critic[1:]),
        # The input gradient between them; then the penalty's gradient, which runs
        # back along that chain only: a leaky ReLU has no second derivative. The
        # last layer's rows of the chain are its weights, and need no product.
        *each("forward", batch, critic[:-1]),
        *each("inputs", batch, critic[:-1]),
        *each("forward", batch, critic[:-1]),
        *each("weights", batch, critic[:-1]),
        # The generator's loss, through the critic's inputs to the weights.
        *each("forward", batch, critic),
        *each("inputs", batch, critic[:-1]),
        *each("weights", batch, generator),
        *each("inputs", batch, generator[1:]),
    ]


PAIRS = {
    "mlp": (networks.mlp_generator, networks.mlp_critic),
    "conv": (networks.conv_generator, networks.conv_critic),
}
LATENT_DIM = 64


def step_program(
    architecture: str, batch: int, steps: int
) -> tuple[Callable[[], object], float]:
    """Compile `steps` training steps; see `training_program`."""
    generator, critic = PAIRS[architecture]
    algorithm = gan.wgan_gp(generator(LATENT_DIM), critic())
    return training_program(algorithm, NUM_IMAGES, steps, batch_size=batch)


def measure(
    architecture: str, batch: int, rounds: int, epoch: int, few: int
) -> dict[str, object]:
    """Return times and ratios at one batch size, medians over the rounds.

    Args:
        architecture: of both networks: `mlp` or `conv`.
        batch: images in each batch.
        rounds: how often each contender is timed.
        epoch: training steps in one program.
        few: steps of the other contenders.
    """
    step, compile_seconds = step_program(architecture, batch, epoch)
    products = products_program(step_products(architecture, batch), few)
    has_torch = torch_is_installed()
    times: dict[str, list[float]] = {"step": [], "gemm": [], "plain": [], "shared": []}
    step()
    products()
    for _ in range(rounds):
        times["step"].append(1000 * seconds(step) / epoch)
        times["gemm"].append(1000 * seconds(products) / few)
        if has_torch:
            peer = in_own_process(
                "benchmarks.torch_peer",
                architecture=architecture,
                batch_size=batch,
                steps=few,
            )
            times["plain"].append(peer["plain"])
            times["shared"].append(peer["shared"])
    middle = {name: statistics.median(t) for name, t in times.items() if t}

    def over_step(name: str) -> float | None:
        return middle[name] / middle["step"] if name in middle else None

    return {
        "architecture": architecture,
        "batch_size": batch,
        "step_ms": middle["step"],
        "gemm_limit_ms": middle["gemm"],
        "torch_step_ms": middle.get("plain"),
        "torch_shared_step_ms": middle.get("shared"),
        "step_over_gemm_limit": middle["step"] / middle["gemm"],
        "torch_over_step": over_step("plain"),
        "torch_shared_over_step": over_step("shared"),
        "gemm_gflop": gflop(step_products(architecture, batch)),
        "images_per_second": 1000 * batch / middle["step"],
        "compile_seconds": compile_seconds,
    }


def main() -> None:
    """Print one JSON object."""
    line = command_line(__doc__, rounds=(5, "how often everything is timed"))
    line.add_argument(
        "--batch-sizes",
        type=int,
        nargs="+",
        default=[64, 256],
        help="images in a batch",
    )
    line.add_argument("--architecture", choices=list(PAIRS), default="mlp")
    flags = line.parse_args()
    results = []
    for batch in flags.batch_sizes:
        epoch, few = (
            (NUM_IMAGES // batch, 100) if flags.architecture == "mlp" else (50, 20)
        )
        results.append(measure(flags.architecture, batch, flags.rounds, epoch, few))
    result = {**machine(), "results": results}
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
