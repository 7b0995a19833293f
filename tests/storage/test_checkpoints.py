import os
import shutil
from pathlib import Path
from typing import NamedTuple

import damages
import files
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgan import storage
from jaxgan.errors import CheckpointError
from jaxgan.storage import checkpoints, digests


class Example(NamedTuple):
    key: jax.Array
    step: jax.Array
    weights: dict


def example(scale=1.0):
    weights = {"kernel": scale * jax.random.normal(jax.random.key(1), (64, 32))}
    return Example(jax.random.key(3), jnp.int32(7), weights)


def file_names(folder):
    return sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file())


def restored(folder):
    found = storage.restore_state(folder, example(0.0))
    assert found is not None and not found.damaged
    return found.step, found.state


def same(a, b):
    return digests.sha256(a) == digests.sha256(b)


def test_what_is_restored_is_what_was_saved(tmp_path):
    storage.save_state(tmp_path / "checkpoint", 7, example())
    step, state = restored(tmp_path / "checkpoint")
    assert step == 7 and same(state, example())
    assert isinstance(state, Example)
    np.testing.assert_array_equal(
        jax.random.normal(state.key, (3,)), jax.random.normal(jax.random.key(3), (3,))
    )


def test_the_name_of_a_folder_will_do(tmp_path):
    storage.save_state(str(tmp_path), 7, example())
    found = storage.restore_state(str(tmp_path), example())
    assert found is not None and same(found.state, example())


def test_the_newest_of_the_latest_three_is_restored(tmp_path):
    for step in (1, 2, 3, 4):
        storage.save_state(tmp_path, step, example(float(step)))
    step, state = restored(tmp_path)
    assert step == 4 and same(state, example(4.0))
    assert sorted(p.name for p in tmp_path.iterdir() if p.name.isdigit()) == [
        "2",
        "3",
        "4",
    ]


def test_a_folder_without_checkpoints_restores_nothing(tmp_path):
    assert storage.restore_state(tmp_path, example()) is None
    assert storage.restore_state(tmp_path / "missing", example()) is None


def test_an_older_step_is_not_saved_in_silence(tmp_path):
    storage.save_state(tmp_path, 5, example())
    with pytest.raises(CheckpointError, match="step 4 not saved"):
        storage.save_state(tmp_path, 4, example())


@pytest.mark.parametrize("system", ["Linux", "macOS"])
def test_a_full_disk_is_noticed_before_anything_is_written(
    tmp_path, monkeypatch, system
):
    if system == "macOS":
        monkeypatch.delattr(os, "posix_fallocate")
    storage.save_state(tmp_path, 1, example())
    with files.of_at_most(2000), pytest.raises(CheckpointError, match="too large"):
        storage.save_state(tmp_path, 2, example(2.0))
    assert [path.name for path in tmp_path.iterdir()] == ["1"]
    assert same(restored(tmp_path)[1], example())


def test_the_digest_sees_values_types_shapes_and_names():
    x = jnp.ones((2, 3))
    variants = [
        {"a": x},
        {"b": x},
        {"a": x.at[0, 0].set(1 + 1e-7)},
        {"a": x.reshape(3, 2)},
        {"a": x.astype(jnp.int32)},
    ]
    assert len({digests.sha256(v) for v in variants}) == len(variants)


@pytest.mark.parametrize("damage", damages.ANY)
def test_whatever_file_is_damaged_a_good_state_comes_back(tmp_path, damage):
    """Orbax alone restores flipped bits without a word."""
    source = tmp_path / "source"
    for step in (1, 2):
        storage.save_state(source, step, example(float(step)))
    files = [Path("2") / name for name in file_names(source / "2")]
    assert Path("2/manifest.json") in files and len(files) > 5
    for number, file in enumerate(files):
        folder = tmp_path / str(number)
        shutil.copytree(source, folder)
        damage(folder / file)
        found = storage.restore_state(folder, example(0.0))
        assert found is not None
        assert found.step == 1 and same(found.state, example(1.0)), file
        assert len(found.damaged) == 1 and "step 2" in found.damaged[0]
        assert "\n" not in found.damaged[0]
        assert (folder / "corrupt-2").is_dir() and not (folder / "2").exists()
        storage.save_state(folder, 2, example(2.0))
        assert same(restored(folder)[1], example(2.0))


def test_a_damaged_file_is_named(tmp_path):
    storage.save_state(tmp_path, 1, example())
    data = [p for p in (tmp_path / "1").rglob("*") if p.is_file()]
    largest = max(data, key=lambda p: p.stat().st_size)
    damages.flip(largest)
    with pytest.raises(CheckpointError, match=f"{largest.name}; .*nothing else"):
        storage.restore_state(tmp_path, example())
    # Nor is there a silent fresh start the next time.
    with pytest.raises(CheckpointError, match="nothing else is there"):
        storage.restore_state(tmp_path, example())


def test_an_unfinished_step_is_not_the_latest(tmp_path):
    storage.save_state(tmp_path, 5, example())
    storage.save_state(tmp_path, 6, example())
    (tmp_path / "6" / "manifest.json").unlink()
    (tmp_path / "7").mkdir()
    found = storage.restore_state(tmp_path, example(0.0))
    assert found is not None and found.step == 5 and same(found.state, example())


def test_what_a_killed_save_leaves_is_ignored(tmp_path):
    storage.save_state(tmp_path, 5, example())
    (tmp_path / "6.orbax-checkpoint-tmp").mkdir()
    assert restored(tmp_path)[0] == 5
    storage.save_state(tmp_path, 6, example(6.0))
    assert same(restored(tmp_path)[1], example(6.0))


@pytest.mark.parametrize("left", [0, 1, 5])
def test_a_first_save_that_was_killed_is_no_damage(tmp_path, left):
    """Whatever it had written, but for the manifest, which comes last."""
    storage.save_state(tmp_path, 1, example())
    (tmp_path / ".saving-1").touch()
    for name in file_names(tmp_path / "1")[left:]:
        (tmp_path / "1" / name).unlink()
    assert storage.restore_state(tmp_path, example()) is None
    assert not list(tmp_path.iterdir())


def test_the_log_comes_back_with_the_state(tmp_path):
    for step in (1, 2):
        log = f'{{"step": {step}}}\n "é" \\'
        storage.save_state(tmp_path, step, example(), log=log)
    found = storage.restore_state(tmp_path, example())
    assert found is not None and found.log == log


def test_the_best_is_kept_beside_the_latest(tmp_path):
    losses = [3.0, 1.0, 5.0, 4.0, float("nan"), 6.0, None]
    for step, loss in enumerate(losses, 1):
        storage.save_state(tmp_path, step, example(), loss=loss)
    kept = sorted(int(p.name) for p in tmp_path.iterdir() if p.name.isdigit())
    assert kept == [2, 5, 6, 7]


def test_an_unknown_format_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(checkpoints, "FORMAT", 99)
    storage.save_state(tmp_path, 1, example())
    monkeypatch.undo()
    with pytest.raises(CheckpointError, match="format is 99, expected 2"):
        storage.restore_state(tmp_path, example())
    assert (tmp_path / "1").is_dir()


def test_another_structure_or_shape_is_refused(tmp_path):
    storage.save_state(tmp_path, 1, example())
    wider = example()._replace(weights={"kernel": jnp.zeros((64, 33))})
    other = example()._replace(weights={"bias": jnp.zeros((64, 32))})
    cast = example()._replace(weights={"kernel": jnp.zeros((64, 32), jnp.float16)})
    key = example()._replace(key=jax.random.key(3, impl="rbg"))
    for like, message in (
        (wider, r"weights.kernel is float32\[64,32\], expected float32\[64,33\]"),
        (other, "weights.bias is None, expected float32"),
        (cast, "expected float16"),
        (key, "key is threefry2x32, expected rbg"),
    ):
        with pytest.raises(CheckpointError, match=message):
            storage.restore_state(tmp_path, like)
    assert restored(tmp_path)[0] == 1
