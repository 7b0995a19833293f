"""Load the generator that a command is given: a model, or what a function makes."""

import importlib
import math

import jax
import jax.numpy as jnp

from experiments.running.errors import UsageError
from experiments.running.options import GeneratorOptions
from jaxgan import networks, storage
from jaxgan.errors import first_line
from jaxgan.networks import FinishedGenerator, Output
from jaxgan.types import Examples, Latents, Params

SHAPE = (28, 28, 1)
"""Of the images that experiments work with."""


def load(options: GeneratorOptions) -> FinishedGenerator:
    """Return the generator of a model or of a function, with digits in [-1, 1].

    Raises:
        UsageError: if the function cannot be called, or its generator is not sound.
        CheckpointError: if there is no such model.
    """
    if options.generator is None:
        return as_digits(storage.load_generator(options.checkpoint))
    made = _call(options.generator)
    wrong = networks.check(jax.random.key(0), made)
    if wrong:
        raise UsageError(f"--generator {options.generator}: {'; '.join(wrong)}")
    try:
        return as_digits(made)
    except ValueError as error:
        raise UsageError(f"--generator {options.generator}: {error}") from error


def _call(name: str) -> FinishedGenerator:
    module, _, function = name.partition(":")
    try:
        made = getattr(importlib.import_module(module), function)()
    except Exception as error:  # the function is the user's own
        what = f"{type(error).__name__}: {first_line(error)}"
        raise UsageError(f"--generator {name}: {what}") from error
    if not isinstance(made, FinishedGenerator):
        kind = type(made).__name__
        raise UsageError(
            f"--generator {name}: expected a jaxgan.networks.FinishedGenerator, got "
            f"{kind}"
        )
    return made


def as_digits(generator: FinishedGenerator) -> FinishedGenerator:
    """Return the generator with images of 28 × 28 gray pixels in [-1, 1].

    Raises:
        ValueError: if it makes images of another size.
    """
    latents = jax.ShapeDtypeStruct((1, generator.latent_dim), jnp.float32)
    shape = jax.eval_shape(FinishedGenerator.generate, generator, latents).shape[1:]
    if math.prod(shape) != math.prod(SHAPE):
        raise ValueError(f"expected images of the shape {SHAPE}, got {shape}")
    network, output = generator.network, generator.network.output
    if shape == SHAPE and (output.low, output.high) == (-1, 1):
        return generator
    scale = 2 / (output.high - output.low)
    is_sigmoid = output is networks.SIGMOID  # 2 sigmoid(u) − 1 = tanh(u / 2)

    def logits(params: Params, latents: Latents, kink: networks.Kink) -> Examples:
        found = network.logits(params, latents, kink).reshape(-1, *SHAPE)
        return found / 2 if is_sigmoid else found

    def pixels(logits: jax.Array) -> jax.Array:
        return scale * (output.function(logits) - output.low) - 1

    def third(logits: jax.Array) -> jax.Array:
        return scale**2 * output.third(logits)

    signed = networks.TANH if is_sigmoid else Output(pixels, -1.0, 1.0, third)
    adapted = network._replace(logits=logits, output=signed)
    return FinishedGenerator(adapted, generator.params)
