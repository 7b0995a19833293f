"""Experiments run as users run them: whole processes, on the embedded digits."""

import subprocess
import sys


def finish(experiment, out, *flags):
    return run_experiment(experiment, out, "--dataset", "sample", *flags)


def run_experiment(experiment, out, *flags):
    command = [sys.executable, "-m", f"experiments.{experiment}", "--out", str(out)]
    return subprocess.run(
        [*command, *flags], capture_output=True, text=True, timeout=240
    )
