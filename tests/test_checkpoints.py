from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgan import checkpoints
from jaxgan.checkpoints import CheckpointError


class Example(NamedTuple):
    key: jax.Array
    step: jax.Array
    weights: dict


def example(scale=1.0):
    weights = {"kernel": scale * jax.random.normal(jax.random.key(1), (64, 32))}
    return Example(jax.random.key(3), jnp.int32(7), weights)


def restored(folder):
    found = checkpoints.restore(folder, example(0.0))
    assert found is not None
    return found


def same(a, b):
    return checkpoints.sha256(a) == checkpoints.sha256(b)


def test_what_is_restored_is_what_was_saved(tmp_path):
    checkpoints.save(tmp_path / "checkpoint", 7, example())
    step, state = restored(tmp_path / "checkpoint")
    assert step == 7 and same(state, example())
    assert isinstance(state, Example)
    np.testing.assert_array_equal(
        jax.random.normal(state.key, (3,)), jax.random.normal(jax.random.key(3), (3,))
    )


def test_the_newest_of_the_latest_three_is_restored(tmp_path):
    for step in (1, 2, 3, 4):
        checkpoints.save(tmp_path, step, example(float(step)))
    step, state = restored(tmp_path)
    assert step == 4 and same(state, example(4.0))
    assert sorted(p.name for p in tmp_path.iterdir() if p.name.isdigit()) == [
        "2",
        "3",
        "4",
    ]


def test_a_folder_without_checkpoints_restores_nothing(tmp_path):
    assert checkpoints.restore(tmp_path, example()) is None
    assert checkpoints.restore(tmp_path / "missing", example()) is None


def test_an_older_step_is_not_saved_in_silence(tmp_path):
    checkpoints.save(tmp_path, 5, example())
    with pytest.raises(CheckpointError, match="step 4 not saved"):
        checkpoints.save(tmp_path, 4, example())


def test_the_digest_sees_values_types_shapes_and_names():
    x = jnp.ones((2, 3))
    variants = [
        {"a": x},
        {"b": x},
        {"a": x.at[0, 0].set(1 + 1e-7)},
        {"a": x.reshape(3, 2)},
        {"a": x.astype(jnp.int32)},
    ]
    assert len({checkpoints.sha256(v) for v in variants}) == len(variants)


def test_every_flipped_weight_file_is_noticed(tmp_path):
    """Orbax alone restores flipped bits without a word."""
    checkpoints.save(tmp_path, 1, example())
    data = [p for p in (tmp_path / "1" / "state").rglob("*") if p.is_file()]
    large = max(data, key=lambda p: p.stat().st_size)
    original = large.read_bytes()
    for position in np.random.default_rng(0).integers(0, len(original), 12):
        damaged = bytearray(original)
        damaged[position] ^= 1
        large.write_bytes(damaged)
        try:
            _, state = restored(tmp_path)
        except CheckpointError as error:
            assert "\n" not in str(error)
        else:
            assert same(state, example()), "a flip that changes no value"
    large.write_bytes(original)
    assert same(restored(tmp_path)[1], example())


def test_another_structure_or_shape_is_refused(tmp_path):
    checkpoints.save(tmp_path, 1, example())
    wider = example()._replace(weights={"kernel": jnp.zeros((64, 33))})
    other = example()._replace(weights={"bias": jnp.zeros((64, 32))})
    cast = example()._replace(weights={"kernel": jnp.zeros((64, 32), jnp.float16)})
    for like in (wider, other, cast):
        with pytest.raises(CheckpointError):
            checkpoints.restore(tmp_path, like)
