"""The errors with which a command ends early, in one line and with an exit code."""


class UsageError(Exception):
    """A flag is wrong, or does not fit the others or what is on disk (exit code 2)."""


class NonFiniteError(Exception):
    """A number of a training run is not finite (exit code 5)."""


class Interrupted(Exception):
    """A signal stopped the run, which is saved and can be resumed (exit code 75)."""
