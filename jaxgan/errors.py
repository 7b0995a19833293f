"""What an error of another library says, in one line of our own."""

MOST = 500
"""Characters that are kept."""


def in_one_line(error: Exception) -> str:
    """Give the first line of its message, or its type if it has none."""
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return lines[0][:MOST]
