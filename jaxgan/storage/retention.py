"""Which checkpoints stay: the latest three, and the one with the least finite loss."""

import logging
from pathlib import Path

import jax
import orbax.checkpoint as ocp
from orbax.checkpoint import checkpoint_managers

logging.getLogger("absl").setLevel(logging.ERROR)

KEPT = 3
LOSS = "loss"


def manager_of(folder: Path) -> ocp.CheckpointManager:
    """Open a folder of checkpoints, which is there; saving ends when all is on disk."""
    policies = [
        checkpoint_managers.LatestN(KEPT),
        checkpoint_managers.BestN(
            get_metric_fn=lambda metrics: metrics[LOSS],
            reverse=True,
            n=1,
            keep_checkpoints_without_metrics=False,
        ),
    ]
    # Of several processes only this one is here: Orbax would wait for the others.
    alone = jax.process_index()
    options = ocp.CheckpointManagerOptions(
        multiprocessing_options=ocp.options.MultiprocessingOptions(
            primary_host=alone,
            active_processes={alone},
            barrier_sync_key_prefix=f"process-{alone}",
        ),
        create=False,
        preservation_policy=checkpoint_managers.AnyPreservationPolicy(policies),
        best_fn=lambda metrics: metrics[LOSS],
        # Asynchronous saving would lose the save in flight when the process is killed.
        enable_async_checkpointing=False,
    )
    return ocp.CheckpointManager(folder.absolute(), options=options)
