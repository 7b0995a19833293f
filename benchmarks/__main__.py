"""Run the benchmarks, and print one table: `python -m benchmarks`."""

import subprocess
import sys
from dataclasses import dataclass

from benchmarks.catalogue import BENCHMARKS
from experiments.running.command_line import main
from experiments.running.errors import UsageError


@dataclass(frozen=True)
class Config:
    """Run benchmarks one after another, and print one table in Markdown."""

    only: tuple[str, ...] = ()
    """Names of the benchmarks to run; default: all."""
    list: bool = False
    """Say what there is, and run nothing."""

    def __post_init__(self) -> None:
        """Raise a `UsageError` if there is no benchmark of a name."""
        for name in self.only:
            if name not in BENCHMARKS:
                raise UsageError(
                    f"--only must be some of {', '.join(BENCHMARKS)}, got {name}"
                )


def run(config: Config) -> None:
    """Print the table.

    Every benchmark has a process of its own, and this one leaves the devices to them.

    Raises:
        UsageError: after the table, if a benchmark has failed.
    """
    chosen = {n: BENCHMARKS[n] for n in config.only or BENCHMARKS}
    if config.list:
        for name, benchmark in chosen.items():
            print(f"{name:18}{benchmark.what}")
        return
    from benchmarks import table
    from benchmarks.measuring import command, in_own_process
    from experiments.reporting.tables import markdown_row

    machine = in_own_process("benchmarks.machine")
    lines, failures = [], []
    for name, (what, row, flags) in chosen.items():
        print(f"{name} …", file=sys.stderr, flush=True)
        module = f"benchmarks.{name}"
        words = " ".join(["python", *command(module, **flags)])
        try:
            found = row(in_own_process(module, **flags))
            lines.append(table.line_of(what, found, words))
        except subprocess.CalledProcessError as error:
            said = error.stderr.strip().splitlines() or [
                f"exit code {error.returncode}"
            ]
            lines.append(table.failed(what, said[-1], words))
            failures.append(name)
        # The table comes last; what is stopped before has said what it knows.
        print(markdown_row(lines[-1]), file=sys.stderr, flush=True)
    print(table.document(machine, lines), end="")
    if failures:
        raise UsageError(f"failed: {', '.join(failures)}")


if __name__ == "__main__":
    main(Config, run, on_devices=False)
