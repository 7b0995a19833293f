"""Set linear codes beside Shannon's curve: `python -m experiments.shannon`."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from experiments.running.command_line import main
from experiments.running.options import OutputOptions

COLUMNS = ("β σ²", "R(D)", "squared error", "rate", "excess rate")


@dataclass(frozen=True)
class Config(OutputOptions):
    """Train linear autoencoders of Gaussian points, with Gaussian and Echo codes.

    Their rates and squared errors are exact, and so is the least rate at each error.
    """


def run(config: Config) -> dict[str, Any]:
    """Train, measure, write everything into the output folder, return the summary."""
    import time

    import jax
    import numpy as np

    from experiments.rate_distortion import figures
    from experiments.running import run_folder
    from experiments.shannon import linear_codes

    out = run_folder.begin(
        "shannon", config, "gaussian", "gaussian", linear_codes.VARIANCES
    )
    print(f"linear autoencoders of Gaussian points, into {out}")
    started = time.perf_counter()
    found = linear_codes.train(jax.random.key(config.seed))
    excess = {
        kind: linear_codes.excess(linear_codes.VARIANCES, point)
        for kind, point in found.items()
    }
    waters = np.geomspace(
        linear_codes.WATERS.min() / 2, linear_codes.VARIANCES.max(), 400
    )
    curve = linear_codes.water_filling(linear_codes.VARIANCES, waters)
    figure = figures.shannon_plane(
        (curve.errors, curve.rates),
        {kind: (point.errors, point.rates) for kind, point in found.items()},
    )
    figure.savefig(out / "shannon.png", dpi=150)
    table = _table(found, excess)
    (out / "table.md").write_text(table)
    summary = {
        "experiment": "shannon",
        **{f"{kind}_excess_rate_max": float(e.max()) for kind, e in excess.items()},
        **{f"{kind}_excess_rate_min": float(e.min()) for kind, e in excess.items()},
        "wall_seconds": time.perf_counter() - started,
    }
    run_folder.write_json(out / "summary.json", summary)
    print(table)
    return summary


def _table(found: Mapping[str, Any], excess: Mapping[str, Any]) -> str:
    """Write a table for each kind of code, in Markdown."""
    from experiments.rate_distortion import figures
    from experiments.shannon import linear_codes

    lines = []
    for kind, point in found.items():
        lines += ["", f"{figures.TITLES[kind]}:", "", f"| {' | '.join(COLUMNS)} |"]
        lines.append("|---" * len(COLUMNS) + "|")
        for n, water in enumerate(linear_codes.WATERS):
            least = linear_codes.rate_at(linear_codes.VARIANCES, float(point.errors[n]))
            lines.append(
                f"| {water:g} | {least:.4f} | {point.errors[n]:.4f} | "
                f"{point.rates[n]:.4f} | {excess[kind][n]:.2%} |"
            )
    return "\n".join(lines[1:]) + "\n"


if __name__ == "__main__":
    main(Config, run)
