"""The inversion experiment as users run it, at toy length."""

import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from PIL import Image
from processes import SAMPLE, kill_when, run, succeed

from experiments.invert import __main__ as invert
from experiments.invert import landscape, search
from experiments.running.costs import Costs, in_gradients
from experiments.running.errors import NonFiniteError
from jaxgan import networks, storage
from jaxgan.errors import CheckpointError
from jaxgan.networks import FinishedGenerator


def invert_six(toy_model, folder, starts):
    flags = [*SAMPLE, "--checkpoint", toy_model, "--images", "6", "--starts", starts]
    succeed("invert", folder / "run", *flags)
    return folder / "run", flags


@pytest.fixture(scope="module")
def inverted(toy_model, tmp_path_factory):
    return invert_six(toy_model, tmp_path_factory.mktemp("invert"), 32)


def test_an_inversion_writes_everything(inverted):
    out, _ = inverted
    summary = json.loads((out / "summary.json").read_text())
    assert summary["num_images"] == 6 and summary["num_starts"] == 32
    shares = [summary[f"{name}_fraction"] for name in ("strict", "kink", "degenerate")]
    assert sum(shares) >= 0.95
    assert 1 <= summary["distinct_minima_median"] <= 32
    assert 0 <= summary["start_success_probability"] <= 1
    assert 0 <= summary["best_never_reached_fraction"] <= 1
    for name, interval in summary["intervals_over_images"].items():
        assert interval[0] <= summary[name] <= interval[1], name
    assert summary["gradients_per_image"] > 32 * 60
    rows = [json.loads(row) for row in (out / "minima.jsonl").read_text().splitlines()]
    assert np.median([row["seen"] for row in rows]) == summary["distinct_minima_median"]
    assert all(1 <= row["seen_images"] <= row["seen"] <= 32 for row in rows)
    with np.load(out / "results.npz") as results:
        assert results["latents"].shape == (6, 32, 2)
        assert results["losses"].shape == results["statuses"].shape == (6, 32)
        assert results["targets"].shape == (6, 28, 28)
        best = results["losses"].min(1)
        codes = results["latents"][np.arange(6), results["losses"].argmin(1)]
    norms = np.linalg.norm(codes, axis=1)
    assert summary["best_code_norm_median"] == pytest.approx(np.median(norms))
    assert summary["best_mse_per_pixel_median"] == pytest.approx(np.median(best))
    for name in ("reconstructions", "errors", "distances", "convergence", "objective"):
        with Image.open(out / f"{name}.png") as image:
            assert np.asarray(image.convert("L")).std() > 5


@pytest.mark.slow
def test_after_a_kill_what_is_sound_is_kept_and_what_is_not_is_done_again(
    toy_model, tmp_path
):
    # So many starts leave two images to a part.
    whole, flags = invert_six(toy_model, tmp_path / "whole", 342)
    out = tmp_path / "run"
    damaged, sound, missing = (out / "parts" / f"00000{n}.npz" for n in (0, 2, 4))
    kill_when(sound.exists, "invert", out, *flags)
    assert damaged.exists() and not missing.exists()
    content = bytearray(damaged.read_bytes())
    content[len(content) // 2] ^= 1
    damaged.write_bytes(bytes(content))
    missing.with_name(f".{missing.name}").write_bytes(content[:1000])  # a write cut off
    stamp = sound.stat().st_mtime_ns
    done = run("invert", out, *flags, "--resume")
    assert done.returncode == 0, done.stderr
    assert f"{damaged}: its digest is not that" in done.stderr
    assert done.stderr.count("\n") == 1
    assert (out / "parts" / f"corrupt-{damaged.name}").read_bytes() == content
    assert sound.stat().st_mtime_ns == stamp
    with np.load(out / "results.npz") as found, np.load(whole / "results.npz") as same:
        assert set(found) == set(same)
        for name in found:
            np.testing.assert_array_equal(found[name], same[name])
    summaries = [json.loads((o / "summary.json").read_text()) for o in (out, whole)]
    for summary in summaries:
        del summary["wall_seconds"], summary["images_per_second"]
    assert summaries[0] == summaries[1]


def test_an_inversion_of_which_nothing_is_finite_ends_with_one_line(toy_model):
    made = storage.load_generator(toy_model)
    lost = FinishedGenerator(made.network, jax.tree.map(jnp.log, made.params))
    plan = search.SearchPlan(jax.random.key(0), 2, None, 8, 0.0, part=1)
    with pytest.raises(NonFiniteError, match="^no start of image 7 ends finite$"):
        search.find_part(
            lost, Costs(1.0, 1.0, 1.0), np.zeros((1, 28, 28, 1), np.float32), 7, plan
        )


def test_a_smooth_generator_costs_no_steps_on_facets(toy_model):
    made = storage.load_generator(toy_model)
    assert in_gradients(made).on_facets > 0
    assert in_gradients(networks.round_corners(made, 0.5)).on_facets == 0


def test_a_landscape_has_its_kink_and_its_two_minima(in_double):
    """The generator has one unit, so its code has one coordinate."""
    network = networks.mlp_generator(1, (1,), shape=(1, 1, 1), batch_norm=False)
    params = network.init(jax.random.key(0))
    made = FinishedGenerator(network.plain, params)
    target = np.asarray(made.generate(jnp.asarray([[1.0]])), np.float64)[0]
    ends = np.array([[1.0], [-2.0]])
    found = landscape.landscape(made, target, ends, np.array([True, True]), 0.0)
    assert found is not None and found.between is not None
    middle = landscape.POINTS // 2
    assert found.coordinate == 0 and found.across[middle] == 0
    assert (np.delete(found.across, middle) > 0).all()
    # The line from 1 to −2: at 0 nothing is lost, at 1 the error of −2.
    image = np.asarray(made.generate(jnp.asarray([[-2.0]])), np.float64)[0]
    shares = np.linspace(-0.2, 1.2, landscape.POINTS)
    at_end = found.between[np.abs(shares - 1).argmin()]
    assert at_end == pytest.approx(((image - target) ** 2).sum() / 2, rel=0.02)
    none = landscape.landscape(made, target, ends, np.array([False, False]), 0.0)
    assert none is None
    alone = landscape.landscape(made, target, ends, np.array([True, False]), 0.0)
    assert alone is not None and alone.between is None


def test_generators_of_other_kinds_are_refused(tmp_path):
    config = invert.Config(checkpoint="mnist-classifier", out=tmp_path / "x")
    with pytest.raises(CheckpointError, match="has no generator"):
        invert.run(config)
