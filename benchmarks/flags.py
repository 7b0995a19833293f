"""The command lines of benchmarks. Imports nothing heavy."""

import argparse


def command_line(
    description: str | None, **numbers: tuple[int, str]
) -> argparse.ArgumentParser:
    """Return a parser of flags that are whole numbers; others can be added.

    Args:
        description: shown by `--help`.
        numbers: default and help text of each flag; `batch_size` is `--batch-size`.
    """
    made = argparse.ArgumentParser(
        description=description, formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    for name, (default, text) in numbers.items():
        flag = f"--{name.replace('_', '-')}"
        made.add_argument(flag, type=int, default=default, help=text)
    return made
