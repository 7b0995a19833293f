"""The report of a finished sweep: table, numbers, files, and a few sentences."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Bool, Float

from experiments.rate_distortion import figures, frontiers
from experiments.rate_distortion.figures import Limits
from experiments.rate_distortion.frontiers import Curve, Dominance, Gaps
from experiments.rate_distortion.models import Digits
from experiments.rate_distortion.sweep import KindResults
from experiments.reporting.codes import TITLES
from experiments.reporting.pictures import drawing
from experiments.reporting.tables import markdown
from experiments.running import run_folder
from jaxgan.autoencoders import distortion_at_rate_zero

VERDICTS = {
    "first": "The β-VAE dominates",
    "second": "Echo dominates",
    "neither": "Neither dominates",
}


def curves_of(found: Mapping[str, KindResults]) -> dict[str, Curve]:
    """Return rates and distortions of every test image, by kind of code.

    A β is left out where any of its models is lost.
    """
    return {
        kind: Curve(*(each[_whole(of)] for each in of.measured[:2]))
        for kind, of in found.items()
    }


def betas_of(
    found: Mapping[str, KindResults], betas: Sequence[float]
) -> dict[str, list[float]]:
    """Return the β of each curve, by kind of code."""
    return {
        kind: [b for b, whole in zip(betas, _whole(of), strict=True) if whole]
        for kind, of in found.items()
    }


def _whole(of: KindResults) -> Bool[np.ndarray, "betas"]:
    """Return for each β whether none of its models is lost."""
    points = np.stack([of.measured.rates, of.measured.distortions])
    return np.asarray(np.isfinite(points).all((0, 2, 3)))


def limits_of(digits: Digits, floor: float) -> Limits:
    """Return what bounds rates and distortions; the mean image is that of training."""
    _, at_zero = distortion_at_rate_zero(digits.training, digits.test)
    return Limits(float(at_zero), float(np.log(len(digits.gray))), floor)


def rows(
    found: Mapping[str, KindResults], betas: Sequence[float]
) -> list[dict[str, Any]]:
    """Return one row for each model: means over images, in nats."""
    all_rows = []
    for kind, of in found.items():
        measured = of.measured
        for number, beta in enumerate(betas):
            for seed in range(measured.rates.shape[1]):
                at = number, seed
                rate = float(measured.rates[at].mean())
                distortion = float(measured.distortions[at].mean())
                extra = measured.in_batch[at] - measured.distortions[at]
                row = {
                    "kind": kind,
                    "beta": beta,
                    "seed": seed,
                    "rate": rate,
                    "distortion": distortion,
                    "minus_elbo": rate + distortion,
                    "importance_log_likelihood": float(measured.importance[at].mean()),
                    "log_likelihood_by_draws": float(measured.by_draws[at].mean()),
                    "training_rate": float(measured.training_rate[at]),
                    "training_distortion": float(measured.training_distortion[at]),
                    "mismatch": float(measured.mismatch[at]),
                    "nearest_of_samples": float(measured.nearest_of_samples[at]),
                    "nearest_of_test": float(measured.nearest_of_test[at]),
                    "nearest_of_training": float(measured.nearest_of_training[at]),
                    "in_batch_extra_distortion": float(extra.mean()),
                    "in_batch_standard_error": float(
                        extra.std(ddof=1) / np.sqrt(len(extra))
                    ),
                    "training_seconds": float(of.seconds[at]),
                }
                row |= {f"echo_{n}": v[at].item() for n, v in of.exactness.items()}
                all_rows.append(row)
    return all_rows


COLUMNS = {
    "rate": "R",
    "distortion": "D",
    "minus_elbo": "−ELBO = D + R",
    "importance_log_likelihood": "log p(x), importance weighted",
    "log_likelihood_by_draws": "log p(x), draws of the marginal",
    "training_rate": "R, training",
    "training_distortion": "D, training",
    "mismatch": "mismatch",
    "in_batch_extra_distortion": "D in-batch − D",
    "nearest_of_samples": "nearest training image: samples",
    "nearest_of_test": "reconstructions, test",
    "nearest_of_training": "reconstructions, training",
}


def table(models: Sequence[Mapping[str, Any]]) -> str:
    """Return mean ± standard deviation over seeds, in Markdown; models are rows."""
    groups: dict[tuple[str, float], list[Mapping[str, Any]]] = {}
    for row in models:
        groups.setdefault((row["kind"], row["beta"]), []).append(row)
    lines = []
    for (kind, beta), group in groups.items():
        values = [np.array([row[name] for row in group], float) for name in COLUMNS]
        lost = sum(map(_is_lost, group))
        cells = [f"lost ({lost} of {len(group)})"] * len(values)
        if not lost:
            cells = list(map(_cell, values))
        lines.append([TITLES[kind], f"{beta:g}", *cells])
    return markdown(["codes", "β", *COLUMNS.values()], lines)


def _is_lost(row: Mapping[str, Any]) -> bool:
    return not math.isfinite(row["minus_elbo"])


def _cell(values: np.ndarray) -> str:
    """Return mean ± standard deviation; empty if there is no such number."""
    if not np.isfinite(values).all():
        return ""
    spread = f" ± {values.std(ddof=1):.2f}" if len(values) > 1 else ""
    return f"{values.mean():.2f}{spread}"


def at_equal_beta(
    found: Mapping[str, KindResults], betas: Sequence[float]
) -> tuple[Float[np.ndarray, "betas"], Gaps] | None:
    """Return D + βR of Echo minus that of the β-VAE, and the β that have both.

    A β is left out where a model of either kind is lost; None if all are, and where
    there is one seed, which has no interval.
    """
    whole = np.logical_and(*(_whole(of) for of in found.values()))
    first, second = (
        Curve(*(each[whole] for each in found[kind].measured[:2]))
        for kind in ("gaussian", "echo")
    )
    if not whole.any() or first.rates.shape[1] < 2:
        return None
    kept = np.array(betas)[whole]
    return kept, frontiers.at_equal_beta(kept, first, second)


def gaps_table(found: Mapping[str, KindResults], betas: Sequence[float]) -> str:
    """Return the comparison at equal β in Markdown; nothing if there is none."""
    compared = at_equal_beta(found, betas)
    if compared is None:
        return ""
    kept, gaps = compared
    lines = [
        [f"{beta:g}", f"{gap:.2f}", f"{low:.2f} to {high:.2f}"]
        for beta, gap, low, high in zip(kept, *gaps, strict=True)
    ]
    header = ["β", "D + βR, Echo − β-VAE", "95 % interval"]
    return "\n" + markdown(header, lines)


def summary(
    models: Sequence[Mapping[str, Any]],
    found: Dominance | None,
    limits: Limits,
    steps: int,
) -> dict[str, Any]:
    """Return the numbers of `summary.json`, in nats: means over seeds, and extremes."""
    numbers: dict[str, Any] = {
        "distortion_at_rate_zero": limits.distortion_at_zero,
        "log_training_images": limits.ceiling,
        "echo_rate_floor": limits.floor,
    }
    betas = sorted({row["beta"] for row in models})
    for kind in TITLES:
        of_kind = [row for row in models if row["kind"] == kind]

        def mean(name: str, beta: float, of_kind=of_kind) -> float:
            return float(np.mean([row[name] for row in of_kind if row["beta"] == beta]))

        each = [mean("minus_elbo", beta) for beta in betas]
        numbers[f"{kind}_best_minus_elbo"] = min(
            filter(math.isfinite, each), default=None
        )
        for name in ("importance_log_likelihood", "log_likelihood_by_draws"):
            estimated = all(row.get(name) is not None for row in of_kind)
            each = [mean(name, beta) for beta in betas] if estimated else []
            numbers[f"{kind}_best_{name}"] = max(
                filter(math.isfinite, each), default=None
            )
        numbers[f"{kind}_lost"] = sum(map(_is_lost, of_kind))
        if 1.0 in betas:
            for name in ("minus_elbo", "rate", "distortion"):
                numbers[f"{kind}_{name}_at_beta_1"] = mean(name, 1.0)
        seconds = np.median([row["training_seconds"] for row in of_kind])
        numbers[f"{kind}_seconds_per_step"] = float(seconds) / steps
    echo = [row for row in models if row["kind"] == "echo" and not _is_lost(row)]
    if not echo:
        return numbers
    extra = np.array([row["in_batch_extra_distortion"] for row in echo])
    numbers |= {
        "echo_mismatch_median": float(np.median([row["mismatch"] for row in echo])),
        "echo_in_batch_extra_distortion_median": float(np.median(extra)),
        "echo_models": len(echo),
        "echo_models_above_ceiling": sum(row["echo_above_ceiling"] for row in echo),
        "echo_models_at_floor": sum(row["echo_at_floor"] for row in echo),
        "echo_dead_dimensions_max": max(row["echo_dead"] for row in echo),
        "echo_truncation_max": max(row["echo_truncation"] for row in echo),
    }
    if found is not None:
        numbers |= {"dominance": found.verdict, **_ends(found)}
    return numbers


def _ends(found: Dominance) -> dict[str, float]:
    if not len(found.rates):
        return {}
    return {
        "common_rate_min": float(found.rates[0]),
        "common_rate_max": float(found.rates[-1]),
        "gap_min": float(found.gaps.min()),
        "gap_max": float(found.gaps.max()),
        "gap_interval_lowest": float(found.low.min()),
        "gap_interval_highest": float(found.high.max()),
        "echo_lower_fraction": float((found.low > 0).mean()),
        "gaussian_lower_fraction": float((found.high < 0).mean()),
    }


def write(
    out: Path,
    digits: Digits,
    found: Mapping[str, KindResults],
    betas: Sequence[float],
    compared: Dominance | None,
    limits: Limits,
    models: Sequence[Mapping[str, Any]],
) -> None:
    """Write `metrics.jsonl`, `table.md`, `curves.npz` and the figures."""
    run_folder.write_rows(out / "metrics.jsonl", models)
    tables = table(models) + gaps_table(found, betas)
    (out / "table.md").write_text(tables, encoding="utf-8")
    curves = curves_of(found)
    np.savez_compressed(
        out / "curves.npz",
        betas=np.array(betas),
        **{
            f"{kind}_{name}": getattr(of.measured, name)
            for kind, of in found.items()
            for name in Curve._fields
        },
    )
    with drawing(out / "plane.png") as path:
        figures.plane(curves, betas_of(found, betas), limits).savefig(path, dpi=150)
    equal_beta = at_equal_beta(found, betas)
    if equal_beta and compared is not None and len(compared.rates):
        with drawing(out / "gaps.png") as path:
            figures.gaps(*equal_beta, compared).savefig(path, dpi=150)
    of_first = {kind: of.measured.outputs[:, 0] for kind, of in found.items()}
    shown = (np.asarray(digits.test[: len(of_first["echo"][0]), ..., 0]) + 1) / 2
    with drawing(out / "reconstructions.png") as path:
        figures.pictures(shown, of_first, betas).savefig(path, dpi=150)
    drawn = {kind: of.measured.samples[:, 0] for kind, of in found.items()}
    with drawing(out / "samples.png") as path:
        figures.pictures(None, drawn, betas).savefig(path, dpi=150)


def in_words(numbers: Mapping[str, Any]) -> str:
    """Return the result in two or three sentences."""
    lost = {kind: numbers[f"{kind}_lost"] for kind in TITLES}
    lines = [
        f"{count} of the {TITLES[kind]} models lost: losses that are not finite."
        for kind, count in lost.items()
        if count
    ]
    if None in (numbers[f"{kind}_best_minus_elbo"] for kind in TITLES):
        return "\n".join([*lines, "There is nothing to compare."])
    lines += [
        f"The least −ELBO is {numbers['gaussian_best_minus_elbo']:.2f} nats for the "
        f"β-VAE and {numbers['echo_best_minus_elbo']:.2f} nats for Echo.",
        f"The rates of {numbers['echo_models_above_ceiling']} of "
        f"{numbers['echo_models']} Echo models are above log N = "
        f"{numbers['log_training_images']:.2f} nats, the most that a code can tell "
        "about which of the N training images it is of.",
    ]
    if "gap_min" in numbers:
        lines.append(
            f"{VERDICTS[numbers['dominance']]} between "
            f"{numbers['common_rate_min']:.1f} and {numbers['common_rate_max']:.1f} "
            f"nats: Echo saves {numbers['gap_min']:.2f} to {numbers['gap_max']:.2f} "
            f"nats of distortion, with intervals from "
            f"{numbers['gap_interval_lowest']:.2f} to "
            f"{numbers['gap_interval_highest']:.2f}."
        )
    return "\n".join(lines)
