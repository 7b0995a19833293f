"""The record of a run, `config.json`: its settings, its data, its versions."""

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
NOT_RECORDED = ("out", "resume", "overwrite", *HOSTS)
"""Flags that are no part of the record."""
NUMERICS = (
    *("jax_enable_x64", "jax_default_prng_impl", "jax_threefry_partitionable"),
    "jax_default_matmul_precision",
)
"""Switches of JAX by which the same program computes other numbers."""
SURROUNDINGS = ("command", "data_dir", "versions", "device")
"""Keys of the record that may differ when a run is resumed."""
MAY_CHANGE_ON_RESUME = (*SURROUNDINGS, "epochs", "checkpoint_every", "tensorboard")
"""Keys that may differ when a training run is resumed."""


def record(
    experiment: str,
    options: OutputOptions,
    dataset: str,
    arrays: Any,
    generator: Any = None,
) -> dict[str, Any]:
    """Return the record of a run, as JSON.

    Args:
        experiment: name of the command.
        options: its flags.
        dataset: name of the data.
        arrays: the data; their digest is recorded.
        generator: a `FinishedGenerator` that the run studies; the digest of its weights
            is recorded. None if it studies none.
    """
    flags = {
        name: value
        for name, value in dataclasses.asdict(options).items()
        if name not in NOT_RECORDED
    }
    flags = json.loads(json.dumps(flags, default=str))  # Paths become text.
    studied = {}
    if generator is not None:
        studied = {"generator_sha256": digests.sha256(generator.params)}
    return {
        "experiment": experiment,
        "command": command(experiment, options),
        **flags,
        "dataset": dataset,
        "data_sha256": digests.sha256(arrays),
        **studied,
        **{name: getattr(jax.config, name) for name in NUMERICS},
        "versions": {name: importlib.metadata.version(name) for name in PACKAGES},
        "device": jax.devices()[0].device_kind,
    }


def command(experiment: str, options: OutputOptions) -> str:
    """Return the command that repeats the run, without its folders."""
    words = ["python", "-m", f"experiments.{experiment}"]
    for field in dataclasses.fields(options):
        value = getattr(options, field.name)
        if field.name in (*NOT_RECORDED, "data_dir") or value == field.default:
            continue
        flag = field.name.replace("_", "-")
        if isinstance(value, bool):
            words.append(f"--{flag}" if value else f"--no-{flag}")
        else:
            values = value if isinstance(value, tuple) else (value,)
            words += [f"--{flag}", *map(str, values)]
    return " ".join(words)


def provenance(out: Path) -> dict[str, Any]:
    """Return the part of a run's record that goes into the card of its model."""
    config = json.loads((out / "config.json").read_text(encoding="utf-8"))
    names = ("command", "seed", "dataset", "data_sha256", "versions", "device")
    return {name: config[name] for name in names}
