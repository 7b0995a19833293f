"""Experiments run as users run them: whole processes, on the embedded digits."""

import subprocess
import sys


def finish(experiment, out, *flags):
    command = [sys.executable, "-m", f"experiments.{experiment}", "--out", str(out)]
    return subprocess.run(
        [*command, "--dataset", "sample", *flags],
        capture_output=True,
        text=True,
        timeout=240,
    )
