"""The machine that a benchmark ran on: `python -m benchmarks.machine` prints JSON."""

import json
import os
import platform
from pathlib import Path

import jax


def machine() -> dict[str, object]:
    """Return the versions, the device, the processor and the number of usable cores."""
    return {
        "python_version": platform.python_version(),
        "jax_version": jax.__version__,
        "device": jax.devices()[0].device_kind,
        "processor": processor(),
        "threads": len(os.sched_getaffinity(0)),
    }


def processor() -> str:
    """Return the model of the processor; its architecture where Linux does not say."""
    described = Path("/proc/cpuinfo")
    if described.exists():
        for line in described.read_text(encoding="utf-8").splitlines():
            name, _, value = line.partition(":")
            if name.strip() == "model name":
                return value.strip()
    return platform.machine()


if __name__ == "__main__":
    print(json.dumps(machine()))
