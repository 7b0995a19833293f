from typing import NamedTuple

import numpy as np
import pytest

from experiments.parts import kept


class Part(NamedTuple):
    numbers: np.ndarray
    total: np.ndarray


def test_a_part_is_computed_once_and_comes_back_whole(tmp_path):
    calls = []

    def compute():
        calls.append(1)
        return Part(np.arange(3.0), np.array(7))

    for _ in range(3):
        found = kept(tmp_path / "000000.npz", Part, compute)
        np.testing.assert_array_equal(found.numbers, [0, 1, 2])
        assert int(found.total) == 7
    assert len(calls) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["000000.npz"]


def test_a_part_that_fails_leaves_nothing_that_looks_like_one(tmp_path):
    def compute():
        raise FloatingPointError

    with pytest.raises(FloatingPointError):
        kept(tmp_path / "000000.npz", Part, compute)
    assert not list(tmp_path.iterdir())
