"""Load the generator that a command is given."""

from jaxgan import storage
from jaxgan.networks import FinishedGenerator


def load(checkpoint: str) -> FinishedGenerator:
    """Return the generator of a shipped model or of the folder of a run.

    Raises:
        CheckpointError: if there is no such model.
    """
    return storage.load_generator(checkpoint)
