"""Sizes of the benchmarked networks: the defaults of `jaxgan.networks`.

A layer is three numbers: its rows for each example, and the inputs and outputs of each
row. A convolution has a row for each place of the smaller image, and as many inputs as
its 4 × 4 kernel reads of the larger one; a transposed one the other way round.
"""

Layer = tuple[int, int, int]

GENERATOR_WIDTHS = (64, 128, 256, 512, 1024, 784)
CRITIC_WIDTHS = (784, 512, 256, 1)

CHANNELS = (128, 64)
"""Of the convolutional generator; those of the critic are the same, reversed."""
WIDTH = 1024
"""Of the dense layer beside the latents, and of that beside the score."""


def dense(widths: tuple[int, ...]) -> list[Layer]:
    """List the layers of a fully connected network."""
    return [(1, *pair) for pair in zip(widths, widths[1:], strict=False)]


def layers(architecture: str) -> tuple[list[Layer], list[Layer]]:
    """List the layers of the generator and of the critic."""
    if architecture == "mlp":
        return dense(GENERATOR_WIDTHS), dense(CRITIC_WIDTHS)
    first, second = CHANNELS
    generator = [
        *dense((GENERATOR_WIDTHS[0], WIDTH, 49 * first)),
        (49, first, 16 * second),
        (196, second, 16),
    ]
    critic = [
        (196, 16, second),
        (49, 16 * second, first),
        *dense((49 * first, WIDTH, 1)),
    ]
    return generator, critic
