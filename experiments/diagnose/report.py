"""The numbers, the files and the paragraph of a diagnosis."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from experiments.diagnose import figures
from experiments.diagnose.evidence import (
    Codes,
    Evidence,
    condition_number,
    visible_directions,
)
from experiments.diagnose.judged import Judged
from experiments.diagnose.verdict import Verdict
from experiments.diagnose.words import in_words
from experiments.reporting.pictures import drawing
from jaxgan.networks import FinishedGenerator


def of_record(faults: Sequence[str]) -> dict[str, Any]:
    """Return the summary for a generator that is not what it is declared to be."""
    listed = "; ".join(faults)
    return {
        "verdict": "record",
        "in_words": f"The generator's record is wrong, so that no search was tried: "
        f"{listed}. Mend this first, and run the command again: until then neither "
        "your search nor ours finds the codes of the images that you see.",
        "faults": list(faults),
    }


def of_searches(judged: Judged, found: Evidence, verdict: Verdict) -> dict[str, Any]:
    """Return the summary of the searches: the verdict, in words, and its numbers."""
    parts = verdict.parts
    return {
        "verdict": verdict.name,
        "in_words": in_words(judged, found, verdict),
        "faults": [],
        "num_images": len(found.trivial),
        "num_own_images": len(found.own),
        "judged_search": judged.name,
        "bad_images": list(verdict.bad),
        "bad_images_of_search": list(verdict.of_search),
        "part_of_generator": parts and parts.generator,
        "part_of_search": parts and parts.search,
        "part_of_steps": parts and parts.steps,
        "part_of_starts": parts and parts.starts,
        "part_of_prior_weight": parts and parts.weight,
        "part_of_flatness": parts and parts.flat,
        **_means(
            judged=found.judged.errors,
            polished=found.polished,
            same_weight=found.same_weight,
            thorough=found.thorough.errors,
            nearest_sample=found.nearest.errors,
            trivial=found.trivial,
            own_judged=found.own_judged,
            own_thorough=found.own,
            own_trivial=found.own_trivial,
        ),
        "spread_of_samples": found.spread,
        "prior_weights": found.weights.tolist(),
        "mse_per_pixel_at_prior_weights": found.swept_errors.mean(1).tolist(),
        "norm_at_prior_weights": np.median(found.swept_norms, 1).tolist(),
        "norm_of_judged_median": float(np.median(_norms(found.judged.latents))),
        "norm_of_thorough_median": float(np.median(_norms(found.thorough.latents))),
        "norm_of_prior_p5": float(np.quantile(found.prior_norms, 0.05)),
        "norm_of_prior_p95": float(np.quantile(found.prior_norms, 0.95)),
        "condition_median": condition_number(found),
        "latent_dim": found.thorough.latents.shape[1],
        "visible_directions_median": visible_directions(found),
        "saturated_median": float(np.median(found.saturated)),
        "saturated_own_median": float(np.median(found.own_saturated)),
        "target_scale_median": float(np.median(found.fits.scale)),
        "target_shift_median": float(np.median(found.fits.shift)),
    }


def _means(**errors: np.ndarray | None) -> dict[str, float | None]:
    return {
        f"mse_per_pixel_{name}": None if each is None else float(each.mean())
        for name, each in errors.items()
    }


def _norms(latents: np.ndarray) -> np.ndarray:
    return np.linalg.norm(latents, axis=1)


def write(
    out: Path,
    generator: FinishedGenerator,
    targets: Float[np.ndarray, "n 28 28 1"],
    judged: Judged,
    found: Evidence,
    words: str,
) -> None:
    """Write `diagnosis.txt`, `results.npz` and `diagnosis.png`."""
    (out / "diagnosis.txt").write_text(words + "\n", encoding="utf-8")
    arrays = {"targets": (targets[..., 0] + 1) / 2, "fits": np.stack(found.fits)}
    for name, value in found._asdict().items():
        if isinstance(value, Codes):
            arrays |= {f"{name}_{part}": each for part, each in value._asdict().items()}
        elif name != "fits" and value is not None:
            arrays[name] = value
    np.savez_compressed(out / "results.npz", **arrays)
    with drawing(out / "diagnosis.png") as path:
        figures.draw(generator, targets, judged, found).savefig(path, dpi=150)
