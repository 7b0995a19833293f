"""What makes a run what it is: its settings, its data, its versions, as JSON."""

import dataclasses
import importlib.metadata
import json
from pathlib import Path
from typing import Any

import jax

from experiments.running.options import OutputOptions
from jaxgan.storage import digests

PACKAGES = ("jaxgan", "jax", "jaxlib", "flax", "optax", "numpy")
HOSTS = ("coordinator", "num_processes", "process_id")
NOT_THE_RUN = ("out", "resume", "overwrite", *HOSTS)
SURROUNDINGS = ("command", "data_dir", "versions", "device")
"""What may differ when any run is resumed."""
MAY_CHANGE_ON_RESUME = (*SURROUNDINGS, "epochs", "checkpoint_every")
"""What may differ when a training is."""


def record(
    experiment: str, options: OutputOptions, dataset: str, arrays: Any
) -> dict[str, Any]:
    """Say what makes the run what it is, as JSON.

    Args:
        experiment: its name.
        options: its flags.
        dataset: name of what was loaded.
        arrays: what was loaded; its digest is recorded.
    """
    flags = {
        name: value
        for name, value in dataclasses.asdict(options).items()
        if name not in NOT_THE_RUN
    }
    flags = json.loads(json.dumps(flags, default=str))  # Paths become text.
    return {
        "experiment": experiment,
        "command": command(experiment, options),
        **flags,
        "dataset": dataset,
        "data_sha256": digests.sha256(arrays),
        "versions": {name: importlib.metadata.version(name) for name in PACKAGES},
        "device": jax.devices()[0].device_kind,
    }


def command(experiment: str, options: OutputOptions) -> str:
    """Write the command that makes the run, without its folders."""
    words = ["python", "-m", f"experiments.{experiment}"]
    for field in dataclasses.fields(options):
        value = getattr(options, field.name)
        if field.name in (*NOT_THE_RUN, "data_dir") or value == field.default:
            continue
        flag = field.name.replace("_", "-")
        if isinstance(value, bool):
            words.append(f"--{flag}" if value else f"--no-{flag}")
        else:
            values = value if isinstance(value, tuple) else (value,)
            words += [f"--{flag}", *map(str, values)]
    return " ".join(words)


def provenance(out: Path) -> dict[str, Any]:
    """Say, for a model's card, what it was made with: the run's own record."""
    config = json.loads((out / "config.json").read_text())
    names = ("command", "seed", "dataset", "data_sha256", "versions", "device")
    return {name: config[name] for name in names}
