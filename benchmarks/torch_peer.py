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
from benchmarks.sizes import CHANNELS, CRITIC_WIDTHS, GENERATOR_WIDTHS, WIDTH

try:
    import torch  # pyright: ignore[reportMissingImports]
    from torch import nn  # pyright: ignore[reportMissingImports]
except ModuleNotFoundError:
    sys.exit("PyTorch is not installed: install the package `torch` to compare with it")


def normalised(layer: nn.Module, norm: nn.Module) -> list[nn.Module]:
    """Return a hidden layer with batch-normalisation by the batch at hand."""
    return [layer, norm, nn.LeakyReLU(0.2)]


def mlp_generator() -> nn.Sequential:
    """Return `mlp_generator`'s network: all hidden layers but the first normalised."""
    latent, first, *others = GENERATOR_WIDTHS[:-1]
    layers: list[nn.Module] = [nn.Linear(latent, first), nn.LeakyReLU(0.2)]
    for before, width in zip([first, *others], others, strict=False):
        layers += normalised(
            nn.Linear(before, width, bias=False),
            nn.BatchNorm1d(width, track_running_stats=False),
        )
    layers += [nn.Linear(others[-1], GENERATOR_WIDTHS[-1]), nn.Tanh()]
    return nn.Sequential(*layers, nn.Unflatten(1, (1, 28, 28)))


def mlp_critic() -> nn.Sequential:
    """Return the network of `mlp_critic`, without normalisation."""
    layers: list[nn.Module] = [nn.Flatten()]
    for before, width in zip(CRITIC_WIDTHS, CRITIC_WIDTHS[1:-1], strict=False):
        layers += [nn.Linear(before, width), nn.LeakyReLU(0.2)]
    return nn.Sequential(*layers, nn.Linear(CRITIC_WIDTHS[-2], 1))


def conv_generator() -> nn.Sequential:
    """Two dense layers and two transposed convolutions, as `conv_generator`."""
    first, second = CHANNELS
    return nn.Sequential(
        nn.Linear(GENERATOR_WIDTHS[0], WIDTH),
        nn.LeakyReLU(0.2),
        *normalised(
            nn.Linear(WIDTH, 49 * first, bias=False),
            nn.BatchNorm1d(49 * first, track_running_stats=False),
        ),
        nn.Unflatten(1, (first, 7, 7)),
        *normalised(
            nn.ConvTranspose2d(first, second, 4, 2, 1, bias=False),
            nn.BatchNorm2d(second, track_running_stats=False),
        ),
        nn.ConvTranspose2d(second, 1, 4, 2, 1),
        nn.Tanh(),
    )


def conv_critic() -> nn.Sequential:
    """Two convolutions and a dense layer, as `conv_critic`."""
    first, second = CHANNELS
    return nn.Sequential(
        nn.Conv2d(1, second, 4, 2, 1),
        nn.LeakyReLU(0.2),
        nn.Conv2d(second, first, 4, 2, 1),
        nn.LeakyReLU(0.2),
        nn.Flatten(),
        nn.Linear(49 * first, WIDTH),
        nn.LeakyReLU(0.2),
        nn.Linear(WIDTH, 1),
    )


PAIRS = {"mlp": (mlp_generator, mlp_critic), "conv": (conv_generator, conv_critic)}


def make_step(architecture: str, batch_size: int, shared: bool):
    """Return a function that takes one training step."""
    make, score = (build() for build in PAIRS[architecture])
    adams = [
        torch.optim.Adam(network.parameters(), 5e-4, (0.0, 0.99))
        for network in (make, score)
    ]
    average = [p.detach().clone() for p in make.parameters()]
    data = torch.randint(0, 256, (60_000, 1, 28, 28), dtype=torch.uint8)

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
        epsilon = torch.rand(batch_size, 1, 1, 1)
        between = (fake + epsilon * (real - fake)).requires_grad_()
        (slope,) = torch.autograd.grad(score(between).sum(), between, create_graph=True)
        penalty = ((slope.flatten(1).norm(dim=1) - 1) ** 2).mean()
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
    line = command_line(
        __doc__,
        batch_size=(64, "images in each batch"),
        steps=(100, "steps that are timed"),
    )
    line.add_argument("--architecture", choices=list(PAIRS), default="mlp")
    flags = line.parse_args()
    torch.set_num_threads(len(os.sched_getaffinity(0)))
    result: dict[str, object] = {"torch_version": torch.__version__}
    for name, shared in (("plain", False), ("shared", True)):
        step = make_step(flags.architecture, flags.batch_size, shared)
        for _ in range(max(2, flags.steps // 5)):
            step()
        started = time.perf_counter()
        for _ in range(flags.steps):
            step()
        result[name] = 1000 * (time.perf_counter() - started) / flags.steps
    print(json.dumps(result))


if __name__ == "__main__":
    main()
