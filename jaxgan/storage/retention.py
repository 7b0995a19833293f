"""Which checkpoints stay: the latest three, and the one with the least finite loss."""

from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

import jax

from jaxgan.errors import needs_extra

if TYPE_CHECKING:
    import orbax.checkpoint as ocp

KEPT = 3
LOSS = "loss"


def orbax() -> ModuleType:
    """Import Orbax, which is not needed to use finished models.

    Raises:
        MissingExtraError: if it is not installed.
    """
    with needs_extra("experiments"):
        import orbax.checkpoint as ocp

    return ocp


def manager_of(folder: Path) -> "ocp.CheckpointManager":
    """Open an existing checkpoint folder; its `save` returns when all is written."""
    import orbax.checkpoint as ocp
    from orbax.checkpoint import checkpoint_managers

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
