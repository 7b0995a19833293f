"""Widths of the benchmarked networks: the defaults of `jaxgan.networks`."""

GENERATOR_WIDTHS = (64, 128, 256, 512, 1024, 784)
CRITIC_WIDTHS = (784, 512, 256, 1)
