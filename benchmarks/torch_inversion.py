"""Defense-GAN's search for codes in eager PyTorch; prints its seconds as JSON."""

import json
import os
import sys
import time

from benchmarks.flags import command_line
from benchmarks.sizes import GENERATOR_WIDTHS

try:
    import torch  # pyright: ignore[reportMissingImports]
    from torch import nn  # pyright: ignore[reportMissingImports]
except ModuleNotFoundError:
    sys.exit("PyTorch is not installed: install the package `torch` to compare with it")


def folded_generator() -> nn.Sequential:
    """Return a network of affine layers and leaky ReLUs, like a finished generator."""
    layers = []
    for before, width in zip(GENERATOR_WIDTHS, GENERATOR_WIDTHS[1:-1], strict=False):
        layers += [nn.Linear(before, width), nn.LeakyReLU(0.2)]
    return nn.Sequential(*layers, nn.Linear(*GENERATOR_WIDTHS[-2:]), nn.Tanh())


def search(
    generate: nn.Module, targets: torch.Tensor, starts: int, steps: int
) -> torch.Tensor:
    """Return the best codes of a descent from all starts of all targets at once."""
    wanted = targets.repeat_interleave(starts, 0)
    latents = torch.randn(len(wanted), GENERATOR_WIDTHS[0]) / GENERATOR_WIDTHS[0] ** 0.5
    latents.requires_grad_()
    optimizer = torch.optim.SGD([latents], lr=2.5, momentum=0.7)
    best, least = latents.detach().clone(), torch.full((len(wanted),), torch.inf)
    for step in range(steps):
        if step == -(-steps * 4 // 5):
            optimizer.param_groups[0]["lr"] = 0.25
        errors = (generate(latents) - wanted).square().mean(1)
        with torch.no_grad():
            better = errors < least
            best = torch.where(better[:, None], latents, best)
            least = torch.where(better, errors, least)
        optimizer.zero_grad()
        errors.sum().backward()
        optimizer.step()
    return best


def main() -> None:
    """Print the seconds of one search, after a short one."""
    flags = command_line(
        __doc__,
        images=(50, "images to invert"),
        starts=(10, "starts for each image"),
        steps=(200, "gradient steps from each start"),
    ).parse_args()
    torch.set_num_threads(len(os.sched_getaffinity(0)))
    generate = folded_generator().requires_grad_(False)
    targets = torch.rand(flags.images, GENERATOR_WIDTHS[-1]) * 2 - 1
    search(generate, targets, flags.starts, 5)
    started = time.perf_counter()
    search(generate, targets, flags.starts, flags.steps)
    seconds = time.perf_counter() - started
    print(json.dumps({"torch_version": torch.__version__, "seconds": seconds}))


if __name__ == "__main__":
    main()
