"""Experiments run as users run them: whole processes, on the embedded digits."""

import subprocess
import sys
import time


def finish(experiment, out, *flags):
    return run_experiment(experiment, out, "--dataset", "sample", *flags)


def run_experiment(experiment, out, *flags):
    return subprocess.run(
        command(experiment, out, *flags), capture_output=True, text=True, timeout=240
    )


def command(experiment, out, *flags):
    module = [sys.executable, "-m", f"experiments.{experiment}"]
    return [*module, "--out", str(out), *flags]


def kill_when(condition, experiment, out, *flags, dataset="sample"):
    """Start an experiment, and end it with SIGKILL as soon as the condition holds."""
    data = ["--dataset", dataset] if dataset else []
    process = subprocess.Popen(
        command(experiment, out, *data, *flags),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        while not condition():
            assert process.poll() is None, process.returncode
            time.sleep(0.005)
    finally:
        process.kill()
        process.wait()


def kill_after(seconds, words):
    """Give a command so long, then SIGKILL; return its exit code and what it said."""
    process = subprocess.Popen(
        words, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    try:
        errors = process.communicate(timeout=seconds)[1]
    except subprocess.TimeoutExpired:
        process.kill()
        errors = process.communicate()[1]
    return process.returncode, errors
