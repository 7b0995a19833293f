"""Load a generator whose layers a command needs: a folded, fully connected one."""

from experiments.running.errors import UsageError
from jaxgan import networks, storage
from jaxgan.storage import TrainedGenerator


def load(checkpoint: str) -> TrainedGenerator:
    """Return the generator of a shipped model or of the folder of a run.

    Raises:
        UsageError: if the generator is not folded and fully connected.
    """
    generator = storage.load_generator(checkpoint)
    try:
        networks.layers_of(generator.params)
    except ValueError as error:
        raise UsageError(f"--checkpoint {checkpoint}: {error}") from error
    return generator
