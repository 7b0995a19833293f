"""Compare linear codes with Shannon's curve: `python -m experiments.shannon`."""

from dataclasses import dataclass
from typing import Any

from experiments.running.command_line import main
from experiments.running.options import OutputOptions

COLUMNS = ("β σ²", "R(D)", "squared error", "rate", "excess rate")


@dataclass(frozen=True)
class Config(OutputOptions):
    """Train linear autoencoders of Gaussian points, with Gaussian and Echo codes.

    Their rates and squared errors are computed without sampling, and so is the least
    rate that any code needs for each error: Shannon's rate-distortion curve R(D).
    """


def run(config: Config) -> dict[str, Any]:
    """Train, measure, write everything into the output folder, return the summary."""
    import jax
    import numpy as np

    from experiments.reporting import page
    from experiments.reporting.codes import TITLES
    from experiments.reporting.pictures import drawing
    from experiments.running import duration, progress, run_folder
    from experiments.shannon import figures, linear_codes
    from experiments.shannon.linear_codes import VARIANCES, WATERS

    out = run_folder.begin("shannon", config, "gaussian", "gaussian", VARIANCES)
    print(f"linear autoencoders of Gaussian points, into {out}")
    models = {}
    with progress.bar(out, len(linear_codes.KINDS), "kind") as piece:
        for kind in linear_codes.KINDS:
            with piece(kind, 1):
                models[kind] = linear_codes.train(kind, jax.random.key(config.seed))
    excess = {
        kind: linear_codes.excess_rates(VARIANCES, reached)
        for kind, reached in models.items()
    }
    waters = np.geomspace(WATERS.min() / 2, VARIANCES.max(), 400)
    curve = linear_codes.water_filling(VARIANCES, waters)
    summary = {
        "experiment": "shannon",
        **{f"{kind}_excess_rate_max": float(e.max()) for kind, e in excess.items()},
        **{f"{kind}_excess_rate_min": float(e.min()) for kind, e in excess.items()},
        "wall_seconds": duration.elapsed(out),
    }
    summary["in_words"] = "\n".join(
        f"{TITLES[kind]}: at the same squared error the rate is {e.min():.2%} to "
        f"{e.max():.2%} above Shannon's curve."
        for kind, e in excess.items()
    )
    run_folder.write_json(out / "summary.json", summary)
    tables = "\n".join(_table(kind, models[kind], excess[kind]) for kind in models)
    (out / "table.md").write_text(tables, encoding="utf-8")
    with drawing(out / "shannon.png") as path:
        figures.plane(curve, models).savefig(path, dpi=150)
    page.write(out)
    print(tables)
    return summary


def _table(kind: str, reached: Any, excess: Any) -> str:
    """Return the points of one kind of code, in Markdown, with a title above."""
    from experiments.reporting.codes import TITLES
    from experiments.reporting.tables import markdown
    from experiments.shannon import linear_codes

    rows = []
    for n, water in enumerate(linear_codes.WATERS):
        error, rate = reached.errors[n], reached.rates[n]
        least = linear_codes.rate_at(linear_codes.VARIANCES, float(error))
        numbers = (f"{value:.4f}" for value in (least, error, rate))
        rows.append([f"{water:g}", *numbers, f"{excess[n]:.2%}"])
    return f"{TITLES[kind]}:\n\n{markdown(COLUMNS, rows)}"


if __name__ == "__main__":
    main(Config, run)
