"""A run that has a bug in its second process: `python -m tests.broken_run`."""

from experiments.running.command_line import main
from experiments.running.options import RunOptions


def run(_):
    import jax

    from experiments.running import hosts

    hosts.any_process(1 // (1 - jax.process_index()) > 0)


if __name__ == "__main__":
    main(RunOptions, run)
