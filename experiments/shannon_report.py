"""The linear mode of the rate-distortion experiment: both codes on Shannon's curve."""

import time
from pathlib import Path
from typing import Any

import jax
import numpy as np

from experiments import rate_figures, record, run_folder, shannon
from experiments.options import DataOptions

COLUMNS = ("β σ²", "R(D)", "squared error", "rate", "excess rate")


def run(config: DataOptions) -> dict[str, Any]:
    """Train linear autoencoders of Gaussian points; write what they reach.

    Of the flags, the seed and the folders count: all else is fixed in
    `experiments.shannon`.
    """
    out = config.out or Path("runs") / f"rate_distortion-linear-{config.seed}"
    run_folder.open_run_folder(
        out,
        record.record("rate_distortion", config, "gaussian", shannon.VARIANCES),
        resume=False,
        overwrite=config.overwrite,
    )
    print(f"linear autoencoders of Gaussian points, into {out}")
    started = time.perf_counter()
    found = shannon.train(jax.random.key(config.seed))
    excess = {
        kind: shannon.excess(shannon.VARIANCES, point) for kind, point in found.items()
    }
    waters = np.geomspace(shannon.WATERS.min() / 2, shannon.VARIANCES.max(), 400)
    curve = shannon.water_filling(shannon.VARIANCES, waters)
    figure = rate_figures.shannon_plane(
        (curve.errors, curve.rates),
        {kind: (point.errors, point.rates) for kind, point in found.items()},
    )
    figure.savefig(out / "shannon.png", dpi=150)
    lines = []
    for kind, point in found.items():
        lines += ["", f"{rate_figures.TITLES[kind]}:", "", f"| {' | '.join(COLUMNS)} |"]
        lines.append("|---" * len(COLUMNS) + "|")
        for n, water in enumerate(shannon.WATERS):
            least = shannon.rate_at(shannon.VARIANCES, float(point.errors[n]))
            lines.append(
                f"| {water:g} | {least:.4f} | {point.errors[n]:.4f} | "
                f"{point.rates[n]:.4f} | {excess[kind][n]:.2%} |"
            )
    table = "\n".join(lines[1:]) + "\n"
    (out / "table.md").write_text(table)
    summary = {
        "experiment": "rate_distortion",
        "linear": True,
        **{f"{kind}_excess_rate_max": float(e.max()) for kind, e in excess.items()},
        **{f"{kind}_excess_rate_min": float(e.min()) for kind, e in excess.items()},
        "wall_seconds": time.perf_counter() - started,
    }
    run_folder.write_json(out / "summary.json", summary)
    print(table)
    return summary
