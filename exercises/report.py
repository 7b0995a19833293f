"""Run a check, and print what it says."""

import sys
from collections.abc import Callable, Iterator


def findings(check: Callable[..., Iterator[str]], *given: object) -> list[str]:
    """Return what a check finds wrong; an exception of what is checked is a finding."""
    found: list[str] = []
    try:
        found.extend(check(*given))
    except NotImplementedError:
        found.append("This is not written yet.")
    except Exception as error:  # of the student's own code
        words = (str(error).strip().splitlines() or [""])[0]
        found.append(f"It ends with {type(error).__name__}: {words}")
    return found


def report(check: Callable[..., Iterator[str]], *given: object) -> None:
    """Print what a check finds, and exit: with 0 if nothing is wrong, else with 1."""
    found = findings(check, *given)
    print("\n".join(f"- {sentence}" for sentence in found) or "All right.")
    sys.exit(bool(found))
