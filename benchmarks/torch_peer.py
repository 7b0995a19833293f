"""The WGAN-GP training step in eager PyTorch; prints its milliseconds as JSON.

`plain` is the step as it is usually written in PyTorch: one pass of the critic each for
real, fake and interpolated images, and one forward pass of the generator each for the
critic's update and for its own. `shared` has the two savings of `jaxgan.gan`: real and
fake images in one pass, and one forward pass of the generator for both updates.
"""

import json
import os
import sys
import time

from benchmarks.flags import command_line
from benchmarks.sizes import CRITIC_WIDTHS, GENERATOR_WIDTHS

try:
    import torch  # pyright: ignore[reportMissingImports]
    from torch import nn  # pyright: ignore[reportMissingImports]
except ModuleNotFoundError:
    sys.exit("PyTorch is not installed: install the package `torch` to compare with it")


def generator() -> nn.Sequential:
    """Return `mlp_generator`'s network: all hidden layers but the first normalised."""
    latent, first, *others = GENERATOR_WIDTHS[:-1]
    layers = [nn.Linear(latent, first), nn.LeakyReLU(0.2)]
    for before, width in zip([first, *others], others, strict=False):
        layers += [
            nn.Linear(before, width, bias=False),
            nn.BatchNorm1d(width, track_running_stats=False),
            nn.LeakyReLU(0.2),
        ]
    return nn.Sequential(
        *layers, nn.Linear(others[-1], GENERATOR_WIDTHS[-1]), nn.Tanh()
    )


def critic() -> nn.Sequential:
    """Return the network of `mlp_critic`, without normalisation."""
    layers = []
    for before, width in zip(CRITIC_WIDTHS, CRITIC_WIDTHS[1:-1], strict=False):
        layers += [nn.Linear(before, width), nn.LeakyReLU(0.2)]
    return nn.Sequential(*layers, nn.Linear(CRITIC_WIDTHS[-2], 1))


def make_step(batch_size: int, shared: bool):
    """Return a function that takes one training step."""
    make, score = generator(), critic()
    adams = [
        torch.optim.Adam(network.parameters(), 5e-4, (0.0, 0.99))
        for network in (make, score)
    ]
    average = [p.detach().clone() for p in make.parameters()]
    data = torch.randint(0, 256, (60_000, CRITIC_WIDTHS[0]), dtype=torch.uint8)

    def step() -> None:
        real = data[torch.randint(0, len(data), (batch_size,))].float() / 127.5 - 1
        latents = torch.randn(batch_size, GENERATOR_WIDTHS[0])
        if shared:
            images = make(latents)
            fake = images.detach()
            fake_scores, real_scores = score(torch.cat([fake, real])).chunk(2)
        else:
            images = None
            with torch.no_grad():
                fake = make(latents)
            fake_scores, real_scores = score(fake), score(real)
        epsilon = torch.rand(batch_size, 1)
        between = (fake + epsilon * (real - fake)).requires_grad_()
        (slope,) = torch.autograd.grad(score(between).sum(), between, create_graph=True)
        penalty = ((slope.norm(dim=1) - 1) ** 2).mean()
        loss = fake_scores.mean() - real_scores.mean() + 10 * penalty
        adams[1].zero_grad()
        loss.backward()
        adams[1].step()
        for parameter in score.parameters():
            parameter.requires_grad_(False)
        if images is None:
            images = make(latents)
        adams[0].zero_grad()
        (-score(images).mean()).backward()
        adams[0].step()
        for parameter in score.parameters():
            parameter.requires_grad_(True)
        with torch.no_grad():
            torch._foreach_lerp_(average, list(make.parameters()), 0.001)

    return step


def main() -> None:
    """Print the milliseconds of both forms of the step."""
    flags = command_line(
        __doc__,
        batch_size=(64, "images in each batch"),
        steps=(100, "steps that are timed"),
    ).parse_args()
    torch.set_num_threads(len(os.sched_getaffinity(0)))
    result: dict[str, object] = {"torch_version": torch.__version__}
    for name, shared in (("plain", False), ("shared", True)):
        step = make_step(flags.batch_size, shared)
        for _ in range(20):
            step()
        started = time.perf_counter()
        for _ in range(flags.steps):
            step()
        result[name] = 1000 * (time.perf_counter() - started) / flags.steps
    print(json.dumps(result))


if __name__ == "__main__":
    main()
