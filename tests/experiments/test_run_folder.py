"""The folder of a run: what is refused, and that nothing in it is lost."""

import json

import pytest

from experiments.running import run_folder
from experiments.running.errors import UsageError


def test_folders_that_are_no_runs_are_left_alone(tmp_path):
    (tmp_path / "precious").write_text("mine")
    for overwrite in (False, True):
        with pytest.raises(UsageError, match="holds other files"):
            run_folder.open_run_folder(tmp_path, {}, resume=False, overwrite=overwrite)
    with pytest.raises(UsageError, match="there is no run"):
        run_folder.open_run_folder(tmp_path / "none", {}, resume=True, overwrite=False)
    assert (tmp_path / "precious").read_text() == "mine"


@pytest.mark.parametrize("name", ["file", "file/run"])
def test_a_file_in_the_way_is_left_alone(tmp_path, name):
    (tmp_path / "file").write_text("mine")
    for overwrite in (False, True):
        with pytest.raises(UsageError, match="is a file|is not writable"):
            run_folder.open_run_folder(
                tmp_path / name, {}, resume=False, overwrite=overwrite
            )
    assert (tmp_path / "file").read_text() == "mine"


def test_numbers_that_are_not_finite_are_null_in_rows(tmp_path):
    path = tmp_path / "metrics.jsonl"
    run_folder.write_rows(path, [{"step": 10, "loss": float("nan")}, {"step": 20}])
    assert path.read_text() == '{"step": 10, "loss": null}\n{"step": 20}\n'
    rows = run_folder.parse_rows(path.read_text())
    assert rows == [{"step": 10, "loss": None}, {"step": 20}]


def test_what_a_process_leaves_that_is_killed_at_its_start_is_no_obstacle(tmp_path):
    for name in (".lock", ".config.json.tmp"):
        (tmp_path / name).write_text("{")
    run_folder.open_run_folder(tmp_path, {"seed": 1}, resume=False, overwrite=False)
    assert json.loads((tmp_path / "config.json").read_text()) == {"seed": 1}


@pytest.mark.parametrize("content", ["", "{", "[]", "[" * 10_000, '{"seed": 1'])
def test_a_damaged_configuration_is_one_line(tmp_path, content):
    (tmp_path / "config.json").write_text(content)
    with pytest.raises(UsageError, match="config.json is unreadable: [^\n]*$"):
        run_folder.open_run_folder(tmp_path, {"seed": 1}, resume=True, overwrite=False)
