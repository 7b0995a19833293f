"""The generators whose insides experiments look at: folded, fully connected ones."""

from experiments.command_line import UsageError
from jaxgan import models, regions
from jaxgan.models import TrainedGenerator


def load(checkpoint: str) -> TrainedGenerator:
    """Load a shipped model or the folder of a run.

    Raises:
        UsageError: if the generator is not folded and fully connected.
    """
    generator = models.load_generator(checkpoint)
    try:
        regions.layers_of(generator.params)
    except ValueError as error:
        raise UsageError(f"--checkpoint {checkpoint}: {error}") from error
    return generator
