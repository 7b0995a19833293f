"""What a critic is given, pixels or these minus their mean, and how it is stored."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from experiments.running.options import CriticInput
from jaxgan import networks, pixels, storage
from jaxgan.networks import Network
from jaxgan.types import Params


def centre_of(critic_input: CriticInput, images: np.ndarray) -> np.ndarray | None:
    """Return what is subtracted from images before the critic: their mean, or None."""
    return pixels.mean_input(images) if critic_input == "centred" else None


def given(critic: Network, centre: np.ndarray | None) -> Network:
    """Return the critic, given images minus the centre if there is one."""
    return critic if centre is None else networks.centred(critic, centre)


def part(
    architecture: str,
    options: Mapping[str, Any],
    centre: np.ndarray | None,
    params: Params,
) -> storage.Part:
    """Return a trained critic as a part of a model, its centre with its weights.

    Args:
        architecture: mlp or conv.
        options: of the architecture.
        centre: from `centre_of`.
        params: the trained weights.
    """
    kind = f"{architecture}_critic"
    if centre is None:
        return storage.Part(kind, {**options}, params)
    return storage.Part(
        f"centred_{kind}", {**options}, {"centre": centre, "critic": params}
    )
