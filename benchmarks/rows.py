"""One row of the table of all benchmarks, from the JSON that a benchmark prints."""

from collections.abc import Mapping
from typing import Any, NamedTuple

Result = Mapping[str, Any]
"""What a benchmark prints."""

NO_TORCH = "PyTorch is not installed (extra `bench`)"


class Peer(NamedTuple):
    """Something that a measurement is compared with in the same run.

    Attributes:
        what: the peer or the limit, and what it has or takes.
        ratio: that of the peer over what was measured; None where there is none.
    """

    what: str
    ratio: float | None


class Row(NamedTuple):
    """What one benchmark has found.

    Attributes:
        measured: what was measured, with its unit.
        peers: what it is compared with.
        compile_seconds: None where they are not measured.
    """

    measured: str
    peers: list[Peer]
    compile_seconds: float | None = None


def train_step(result: Result) -> Row:
    """Compare a step with its matrix products, and with eager PyTorch."""
    found = result["results"][0]
    step, limit = found["step_ms"], found["gemm_limit_ms"]
    peers = [Peer(f"its matrix products alone: {limit:.3g} ms", limit / step)]
    if found["torch_over_step"] is None:
        peers.append(Peer(NO_TORCH, None))
    else:
        for name, words in (("torch", ""), ("torch_shared", ", with our two savings")):
            said = f"eager PyTorch{words}: {found[f'{name}_step_ms']:.3g} ms"
            peers.append(Peer(said, found[f"{name}_over_step"]))
    return Row(f"{step:.3g} ms a step", peers, found["compile_seconds"])


def inversion(result: Result) -> Row:
    """Compare all images at once with other orders, with products and with PyTorch."""
    found = result["defense_gan_budget"]
    peers = [
        Peer("one image after another", found["image_by_image_over_at_once"]),
        Peer("one start after another", found["start_by_start_over_at_once"]),
        Peer("the matrix products alone", 1 / found["at_once_over_gemm_limit"]),
    ]
    if found["torch_over_at_once"] is None:
        peers.append(Peer(NO_TORCH, None))
    else:
        said = "eager PyTorch, all images at once"
        peers.append(Peer(said, found["torch_over_at_once"]))
    return Row(f"{1000 / found['images_per_second']:.3g} ms an image", peers)


def certified_search(result: Result) -> Row:
    """Compare search, settling and certifying with Adam from the same starts."""
    searching, settling = (
        result["search_seconds"],
        result["settle_and_certify_seconds"],
    )
    adam, compiling = result["adam"], result["compile_seconds"]
    measured = (
        f"{searching + settling:.3g} s: {searching:.3g} to search, {settling:.3g} to "
        f"settle and certify; {result['starts_per_second']:.3g} starts a second, "
        f"{result['definite_fraction']:.0%} definite, "
        f"median error {result['mse_per_pixel_median']:.2e}"
    )
    peer = Peer(
        f"Adam, {adam['steps']} steps, certifies nothing: {adam['seconds']:.3g} s, "
        f"median error {adam['mse_per_pixel_median']:.2e}",
        result["adam_over_certified_search"],
    )
    return Row(measured, [peer], compiling["search"] + compiling["settle"])


def paths(result: Result) -> Row:
    """Compare the minimiser with other methods, by evaluations, on prior codes."""
    found = result["prior"]
    by_method = {
        name: costs["median"]
        for name, costs in found["compared_evaluations_to_gap"].items()
    }
    ours = by_method.pop("coarse to fine")
    peers = [
        Peer(f"{name}: {_or_never(cost)}", cost / ours if cost and ours else None)
        for name, cost in by_method.items()
    ]
    return Row(
        f"{found['seconds_per_pair']:.3g} s a pair; evaluations until the gap is 1e-4: "
        f"{_or_never(found['evaluations_to_gap']['median'])}, "
        f"{_or_never(ours)} on the first {found['compared_pairs']} pairs",
        peers,
        found["compile_seconds"],
    )


def _or_never(cost: float | None) -> str:
    return "never" if cost is None else f"{cost:.3g}"


def path_penalty(result: Result) -> Row:
    """Compare a training step with those that have a penalty on paths."""
    names = {
        "path": "with the penalty on path energy",
        "line": "with that of straight lines",
        "path_length": "with the penalty on path lengths",
    }
    steps, ratios = result["step_ms"], result["step_over_plain"]
    return Row(
        f"{steps['plain']:.3g} ms a step without a penalty",
        [Peer(f"{said}: {steps[n]:.3g} ms", ratios[n]) for n, said in names.items()],
        sum(result["compile_seconds"].values()),
    )


def path_gradient(result: Result) -> Row:
    """Compare the errors of the penalty's gradient on the paths that are at hand."""
    names = {
        "lines": "on straight lines",
        "minimised, as many segments": "on paths of least energy, as many segments",
    }
    errors = {
        name: each["relative_error"] for name, each in result["gradients"].items()
    }
    kept = errors["kept paths"]
    return Row(
        f"relative error {kept:.2g} on the paths that are kept",
        [
            Peer(f"{said}: {errors[n]:.2g}", errors[n] / kept)
            for n, said in names.items()
        ],
    )


def echo(result: Result) -> Row:
    """Compare a training step with Echo noise with those without, and by sorting."""
    steps = result["step_ms"]
    names = {"none": "without noise", "in_batch": "with sorting for each item"}
    return Row(
        f"{steps['ring']:.3g} ms a step",
        [
            Peer(f"{said}: {steps[n]:.3g} ms", steps[n] / steps["ring"])
            for n, said in names.items()
        ],
        result["compile_seconds"],
    )


def first_picture(result: Result) -> Row:
    """Compare the samples with those of a critic that is given pixels as they are."""
    ours, before = (result["trainings"][name] for name in ("default", "pixels"))
    distance = "frechet_distance"
    return Row(
        f"{ours[distance]:.3g} after {ours['seconds']:.3g} s",
        [
            Peer(
                f"critic of pixels, 5e-4, β₁ = 0: {before[distance]:.3g} after "
                f"{before['seconds']:.3g} s",
                before[distance] / ours[distance],
            )
        ],
        ours["compile_seconds"] + before["compile_seconds"],
    )


def devices(result: Result) -> Row:
    """Compare the processor time for each of many virtual devices with one's."""
    names = {"search": "codes", "paths": "paths", "train": "training"}
    most = max(result["search"], key=int)
    seconds = ", ".join(
        f"{said} {result[name]['1']['wall_seconds']:.3g} s"
        for name, said in names.items()
    )
    return Row(
        f"one device: {seconds}",
        [
            Peer(
                f"{most} devices, {said}",
                result[name][most]["processor_over_one_for_each_device"],
            )
            for name, said in names.items()
        ],
    )


def summed_gradient(result: Result) -> Row:
    """Compare a sum where it is needed with one where XLA's partitioner takes it."""
    by_hand, by_partitioner = result["by_hand_ms"], result["by_partitioner_ms"]
    said = f"divided by XLA's partitioner: {by_partitioner:.3g} ms"
    return Row(
        f"divided by hand: {by_hand:.3g} ms a step",
        [Peer(said, by_partitioner / by_hand)],
    )
