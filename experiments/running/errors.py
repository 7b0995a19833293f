"""The three ways in which a command ends early."""


class UsageError(Exception):
    """Flags that cannot work, alone or with what is on disk (exit code 2)."""


class NonFiniteError(Exception):
    """Training produced a value that is not finite (exit code 5)."""


class Interrupted(Exception):
    """A signal asked to stop; the run is saved and can be resumed (exit code 75)."""
