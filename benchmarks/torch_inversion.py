"""Defense-GAN's search for codes in eager PyTorch, batched; prints seconds as JSON."""

import argparse
import json
import os
import time

import torch  # pyright: ignore[reportMissingImports]
from torch import nn  # pyright: ignore[reportMissingImports]

from benchmarks.sizes import GENERATOR_WIDTHS


def folded_generator() -> nn.Sequential:
    """Affine layers and leaky ReLUs: what a finished generator is."""
    layers = []
    for before, width in zip(GENERATOR_WIDTHS, GENERATOR_WIDTHS[1:-1], strict=False):
        layers += [nn.Linear(before, width), nn.LeakyReLU(0.2)]
    return nn.Sequential(*layers, nn.Linear(*GENERATOR_WIDTHS[-2:]), nn.Tanh())


def search(
    generate: nn.Module, targets: torch.Tensor, starts: int, steps: int
) -> torch.Tensor:
    """Descend from all starts of all targets at once; keep the best points."""
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
    """Time one search after a short one."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=50)
    parser.add_argument("--starts", type=int, default=10)
    parser.add_argument("--steps", type=int, default=200)
    flags = parser.parse_args()
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
