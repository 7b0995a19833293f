"""Load the generator that a command is given: a model, or what a function makes."""

import importlib
import math
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

import jax

from experiments.running.datasets import DIGITS
from experiments.running.errors import UsageError
from experiments.running.options import GeneratorOptions
from jaxgan import networks, storage
from jaxgan.errors import first_line
from jaxgan.networks import FinishedGenerator, Output
from jaxgan.types import Examples, Latents, Params


def load(
    options: GeneratorOptions,
    *,
    with_kinks: bool = False,
    with_tanh: bool = False,
    any_size: bool = False,
) -> FinishedGenerator:
    """Return the generator of a model or of a function, with digits in [-1, 1].

    Args:
        options: what to load.
        with_kinks: whether a generator is refused that does not declare its kinks.
        with_tanh: whether one is refused whose output is neither tanh nor a sigmoid.
        any_size: whether its images may have another size than digits, and colours.

    Raises:
        UsageError: if the function cannot be called, or its generator is refused or
            not sound.
        CheckpointError: if there is no such model.
    """
    made = unchecked(options)
    if options.generator is None:
        return in_digits(options, made, any_size=any_size)
    with _naming(options):
        wrong = networks.check(jax.random.key(0), made)
        if wrong:
            raise ValueError("; ".join(wrong))
        if with_kinks and made.network.slope is None:
            raise ValueError("it does not declare its kinks, and this command needs it")
        digits = as_digits(made, any_size=any_size)
        if with_tanh and digits.network.output is not networks.TANH:
            raise ValueError("its output is neither tanh nor a sigmoid")
    return digits


def unchecked(options: GeneratorOptions) -> FinishedGenerator:
    """Return the generator of a model or of a function as it is.

    Raises:
        UsageError: if the function cannot be called, or makes no generator.
        CheckpointError: if there is no such model.
    """
    if options.generator is None:
        return storage.load_generator(options.checkpoint)
    with _naming(options):
        return _call(options.generator)


def in_digits(
    options: GeneratorOptions, generator: FinishedGenerator, *, any_size: bool = False
) -> FinishedGenerator:
    """Return the generator that the options name with digits in [-1, 1].

    Raises:
        UsageError: if it makes images of another size.
    """
    with _naming(options):
        return as_digits(generator, any_size=any_size)


@contextmanager
def _naming(options: GeneratorOptions) -> Iterator[None]:
    """Raise a `UsageError` with the flag in place of a `ValueError`."""
    flag = "checkpoint" if options.generator is None else "generator"
    try:
        yield
    except ValueError as error:
        raise UsageError(f"--{flag} {options.source}: {error}") from error


def _call(name: str) -> FinishedGenerator:
    """Return what the function with this name, MODULE:FUNCTION, makes.

    Raises:
        ValueError: if it cannot be called, or makes no generator.
    """
    module, _, function = name.partition(":")
    try:
        made = getattr(importlib.import_module(module), function)()
    except Exception as error:  # the function is the user's own
        raise ValueError(f"{type(error).__name__}: {first_line(error)}") from error
    if not isinstance(made, FinishedGenerator):
        kind = type(made).__name__
        raise ValueError(f"expected a jaxgan.networks.FinishedGenerator, got {kind}")
    return made


def as_digits(
    generator: FinishedGenerator, *, any_size: bool = False
) -> FinishedGenerator:
    """Return the generator with images of 28 × 28 gray pixels in [-1, 1].

    Args:
        generator: the generator.
        any_size: whether its images may keep another size, and three channels.

    Raises:
        ValueError: if it makes images of another size.
    """
    shape, wanted = generator.image_shape, DIGITS
    if any_size and len(shape) == 3 and shape[2] in (1, 3):
        wanted = shape
    if math.prod(shape) != math.prod(wanted):
        raise ValueError(f"expected images of the shape {wanted}, got {shape}")
    network, output = generator.network, generator.network.output
    if shape == wanted and (output.low, output.high) == (-1, 1):
        return generator
    is_sigmoid = output is networks.SIGMOID  # 2 sigmoid(u) − 1 = tanh(u / 2)

    def logits(params: Params, latents: Latents, kink: networks.Kink) -> Examples:
        found = network.logits(params, latents, kink).reshape(-1, *wanted)
        return found / 2 if is_sigmoid else found

    signed = networks.TANH if is_sigmoid else _from_to(output, -1.0, 1.0)
    adapted = network._replace(logits=logits, output=signed)
    return FinishedGenerator(adapted, generator.params)


def in_pixels(generator: FinishedGenerator) -> FinishedGenerator:
    """Return the generator with pixels in [0, 1], the units of all energies.

    Equal generators make equal ones, so that nothing is compiled twice for them.
    """
    network = generator.network
    scaled = network._replace(output=_from_to(network.output, 0.0, 1.0))
    return FinishedGenerator(scaled, generator.params)


@cache
def _from_to(output: Output, low: float, high: float) -> Output:
    """Return an output function with its pixels brought to another range."""
    if (output.low, output.high) == (low, high):
        return output
    scale = (high - low) / (output.high - output.low)

    def pixels(logits: jax.Array) -> jax.Array:
        return scale * (output.function(logits) - output.low) + low

    def third(logits: jax.Array) -> jax.Array:
        return scale**2 * output.third(logits)

    return Output(pixels, low, high, third)
