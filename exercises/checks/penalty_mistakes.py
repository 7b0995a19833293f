"""Whether a test of gradient penalties finds the mistakes that people make."""

from collections.abc import Callable, Iterator

from exercises.checks.gradient_penalty import Penalty
from exercises.checks.penalties import MISTAKES, right

ENOUGH = 8
"""Mistakes that a good test finds, of all of them."""


def check(looks_right: Callable[[Penalty], bool]) -> Iterator[str]:
    """Yield what is wrong with a test of penalties."""
    if not looks_right(right):
        yield (
            "Your test refuses the right penalty. A linear critic w·x pays exactly "
            "(‖w‖ − 1)²; a mean over random points is known to a few percent only."
        )
        return
    missed = [name for name, wrong in MISTAKES.items() if looks_right(wrong)]
    if len(MISTAKES) - len(missed) < ENOUGH:
        yield (
            f"Your test accepts {len(missed)} of {len(MISTAKES)} wrong penalties: "
            f"{', '.join(missed)}. Which critic would they treat otherwise?"
        )
