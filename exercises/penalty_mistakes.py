"""Exercise 3, a test of penalties. The task is in penalty-mistakes.md.

Check: python -m exercises.penalty_mistakes.
"""

from exercises.checks import penalty_mistakes as checks
from exercises.checks.gradient_penalty import Penalty
from exercises.report import report


def looks_right(penalty: Penalty) -> bool:
    """Return whether a gradient penalty is right, as far as you can find out."""
    raise NotImplementedError


if __name__ == "__main__":
    report(checks.check, looks_right)
