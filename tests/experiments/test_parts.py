import resource
import shutil
from typing import NamedTuple

import damages
import numpy as np
import pytest

from experiments.running.parts import kept, kept_numbers


class Part(NamedTuple):
    numbers: np.ndarray
    total: np.ndarray


def counted(compute):
    calls = []

    def counting():
        calls.append(1)
        return compute()

    return counting, calls


def part():
    return Part(np.arange(3.0), np.array(7))


def test_a_part_is_computed_once_and_comes_back_whole(tmp_path):
    compute, calls = counted(part)
    for _ in range(3):
        found = kept(tmp_path / "000000.npz", Part, compute)
        np.testing.assert_array_equal(found.numbers, [0, 1, 2])
        assert int(found.total) == 7
    assert len(calls) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["000000.npz"]
    with np.load(tmp_path / "000000.npz") as arrays:  # as anyone may
        np.testing.assert_array_equal(arrays["numbers"], [0, 1, 2])


def test_a_part_that_fails_leaves_nothing_that_looks_like_one(tmp_path):
    def compute():
        raise FloatingPointError

    with pytest.raises(FloatingPointError):
        kept(tmp_path / "000000.npz", Part, compute)
    assert not list(tmp_path.iterdir())


def test_a_folder_that_was_cleaned_away_while_a_part_was_computed_comes_back(tmp_path):
    folder = tmp_path / "run" / "parts"
    folder.mkdir(parents=True)

    def compute():
        shutil.rmtree(tmp_path / "run")
        return part()

    assert int(kept(folder / "000000.npz", Part, compute).total) == 7
    assert int(kept(folder / "000000.npz", Part, part).total) == 7


@pytest.mark.parametrize("damage", damages.CHANGED)
def test_a_damaged_part_is_named_set_aside_and_computed_again(tmp_path, damage, capsys):
    path = tmp_path / "000000.npz"
    compute, calls = counted(part)
    kept(path, Part, compute)
    content = path.read_bytes()
    damage(path)
    for _ in range(2):
        np.testing.assert_array_equal(kept(path, Part, compute).numbers, [0, 1, 2])
    assert len(calls) == 2 and path.read_bytes() == content
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and str(path) in said and "set aside" in said
    assert (tmp_path / "corrupt-000000.npz").exists()


def test_a_full_disk_leaves_nothing_that_is_read(tmp_path):
    path, limits = tmp_path / "000000.npz", resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (200, limits[1]))
    try:
        with pytest.raises(OSError, match="File too large"):
            kept(path, Part, part)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert not path.exists() and (tmp_path / ".000000.npz").stat().st_size == 200
    assert int(kept(path, Part, part).total) == 7
    assert [file.name for file in tmp_path.iterdir()] == ["000000.npz"]


def test_a_part_without_digest_is_not_trusted(tmp_path, capsys):
    np.savez(tmp_path / "000000.npz", numbers=np.zeros(3), total=np.array(0))
    assert int(kept(tmp_path / "000000.npz", Part, part).total) == 7
    assert "set aside" in capsys.readouterr().err


@pytest.mark.parametrize("damage", damages.ANY)
@pytest.mark.parametrize("name", ["films.npz", "model/card.json"])
def test_numbers_are_worth_what_their_folder_is(tmp_path, name, damage, capsys):
    (tmp_path / "model").mkdir()

    def fill():
        (tmp_path / "films.npz").write_bytes(b"films")
        (tmp_path / "model" / "card.json").write_bytes(b"card")
        return {"rho": 1.5, "lost": float("inf")}

    compute, calls = counted(fill)
    for _ in range(2):
        found = kept_numbers(tmp_path / "numbers.json", compute)
        assert found == {"rho": 1.5, "lost": None}
    assert len(calls) == 1
    damage(tmp_path / name)
    for _ in range(2):
        kept_numbers(tmp_path / "numbers.json", compute)
    assert len(calls) == 2
    assert f"not as written: {name};" in capsys.readouterr().err


def test_files_of_others_beside_numbers_are_none_of_theirs(tmp_path):
    """Such as those that a file browser writes, and changes, wherever it looks."""
    foreign = tmp_path / ".DS_Store"
    foreign.write_text("mine")
    compute, calls = counted(lambda: {"bytes": (tmp_path / "film.npz").write_text("a")})
    assert kept_numbers(tmp_path / "numbers.json", compute) == {"bytes": 1}
    foreign.write_text("changed")
    assert kept_numbers(tmp_path / "numbers.json", compute) == {"bytes": 1}
    assert len(calls) == 1
    (tmp_path / "film.npz").write_text("b")
    assert kept_numbers(tmp_path / "numbers.json", compute) == {"bytes": 1}
    assert len(calls) == 2
