"""Counting minima while kinks are rounded off, where all of them are known."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from PIL import Image
from processes import SAMPLE, run, succeed

from experiments.kinks import report, search
from experiments.kinks.search import AT_ONCE, KINKS, SHARPENING, WAYS
from jaxgan import networks

KAPPA, TARGET = 0.01, 0.6


def valley():
    """G(z) = 0.8 |z − 1|, one pixel of one code."""
    network = networks.mlp_generator(
        1,
        (2,),
        shape=(1, 1, 1),
        output=networks.linear(-1.0, 1.0),
        batch_norm=False,
    )
    params = {
        "hidden_0": {
            "affine": {
                "kernel": jnp.array([[1.0, -1.0]]),
                "bias": jnp.array([-1.0, 1.0]),
            }
        },
        "output": {"kernel": jnp.ones((2, 1)), "bias": jnp.zeros(1)},
    }
    return networks.FinishedGenerator(network.plain, params)


def by_hand(width):
    """The minima of ½(G(z) − x)² + ½κz² on a grid, and the barrier between them."""
    codes = np.linspace(-1, 3, 400_001)
    made = 0.8 * np.sqrt((codes - 1) ** 2 + width**2)
    values = 0.5 * (made - TARGET) ** 2 + 0.5 * KAPPA * codes**2
    inside = values[1:-1]
    least = np.flatnonzero((inside < values[:-2]) & (inside <= values[2:])) + 1
    best = least[values[least].argmin()]
    error = (made[best] - TARGET) ** 2 / 4
    if len(least) == 1:
        return 1, np.nan, error
    hill = values[least[0] : least[1]].max() - values[least].max()
    return len(least), hill / values[best], error


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("width", [KINKS, 0.1, 0.3, 2.0])
def test_both_minima_of_a_valley_and_the_hill_between_them(way, width):
    plan = search.Plan(
        jax.random.key(0),
        widths=(1.0,),
        num_starts=8,
        max_steps=8,
        prior_weight=KAPPA,
    )
    targets = np.full((2, 1, 1, 1), TARGET, np.float32)
    starts = np.broadcast_to(np.linspace(-0.8, 2.7, 8)[:, None], (2, 8, 1))
    found = search.find(valley(), targets, plan, starts.astype(np.float32), way, width)
    seen, barrier, error = by_hand(width)
    assert seen == (1 if width == 2.0 else 2)
    if way == SHARPENING:
        # Starts meet in the one minimum of wide corners, and do not part again.
        seen, barrier = 1, np.nan
    assert (found.seen == seen).all() and (found.certified == 1).all()
    # The top of a kink may lie between two points of the line.
    np.testing.assert_allclose(found.barrier, [barrier] * 2, rtol=5e-3)
    np.testing.assert_allclose(found.error, error, rtol=1e-3, atol=1e-7)
    assert (found.held == 0).all() and (found.seen_images == 1).all()


def test_a_run_can_be_resumed_and_writes_its_table(tmp_path):
    out = tmp_path / "run"
    flags = [*SAMPLE, "--checkpoint", "mnist-wgan-gp-2d", "--images", "2"]
    flags += ["--starts", "4", "--widths", "0.5", "--steps", "4"]
    succeed("kinks", out, *flags)
    table = (out / "table.md").read_text()
    assert table.count("\n") == 6 and "| kinks | sharpening |" in table
    with Image.open(out / "kinks.png") as image:
        assert np.asarray(image.convert("L")).std() > 5
    (out / "parts" / "at-once-0.5.npz").unlink()
    done = run("kinks", out, *flags, "--resume")
    assert done.returncode == 0, done.stderr
    assert (out / "table.md").read_text() == table


def test_rows_have_intervals_over_images_and_no_barrier_of_one_minimum():
    three = np.array([1.0, 3.0, 8.0])
    one = search.Ends(three, three, three / 8, three, three, np.full(3, np.nan))
    two = one._replace(barrier=np.array([0.5, 0.25, np.nan]))
    found = {(AT_ONCE, KINKS): one, (SHARPENING, KINKS): two}
    first, second = report.rows(jax.random.key(0), found)
    assert first.seen == (3.0, 1.0, 8.0) and first.certified == 0.5
    assert np.isnan(first.barrier.value) and second.barrier.value == 0.375
    assert report.summary([first])["at_once_kinks_barrier"] is None
    assert "| – |" in report.table([first])
