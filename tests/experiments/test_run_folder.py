"""The folder of a run: what is refused, and that nothing in it is lost."""

import errno
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from experiments.running import run_folder, written
from experiments.running.errors import UsageError


def test_without_a_run_there_is_nothing_to_resume(tmp_path):
    (tmp_path / "precious").write_text("mine")
    for folder in (tmp_path, tmp_path / "none"):
        with pytest.raises(UsageError, match="there is no run"):
            run_folder.open_run_folder(folder, {}, resume=True, overwrite=False)
    assert [path.name for path in tmp_path.iterdir()] == ["precious"]


@pytest.mark.parametrize("name", ["file", "file/run"])
def test_a_file_in_the_way_is_left_alone(tmp_path, name):
    (tmp_path / "file").write_text("mine")
    for overwrite in (False, True):
        with pytest.raises(UsageError, match="is a file|is not writable"):
            run_folder.open_run_folder(
                tmp_path / name, {}, resume=False, overwrite=overwrite
            )
    assert (tmp_path / "file").read_text() == "mine"


@pytest.mark.parametrize("name", ["a" * 300, "loop/run"])
def test_a_name_that_no_folder_can_have_is_one_line(tmp_path, name):
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(UsageError, match="--out .* is not writable"):
        begin(tmp_path / name)


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


def begin(folder, command="wgan", *, resume=False, overwrite=False, **flags):
    record = {"experiment": command, "command": "…", "data_sha256": "0"}
    record |= {"versions": {}, **flags}
    run_folder.open_run_folder(folder, record, resume=resume, overwrite=overwrite)


def content(folder):
    found = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in found}


FOREIGN = ['{"name": "my-site"}', "[1]", "{", "", '{"experiment": "wgan"}']


@pytest.mark.parametrize("record", FOREIGN)
@pytest.mark.parametrize("overwrite", [False, True])
def test_a_folder_is_a_run_only_by_the_record_of_a_run(tmp_path, record, overwrite):
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter1.txt").write_text("mine")
    (tmp_path / "config.json").write_text(record)
    before = content(tmp_path)
    with pytest.raises(UsageError, match="holds config.json, which is not of a run"):
        begin(tmp_path, overwrite=overwrite)
    assert content(tmp_path) == before


@pytest.mark.parametrize("overwrite", [False, True])
def test_files_that_no_run_uses_are_not_in_the_way(tmp_path, overwrite):
    (tmp_path / "slurm-4711.out").write_text("mine")
    (tmp_path / ".DS_Store").write_text("mine")
    begin(tmp_path, overwrite=overwrite)
    begin(tmp_path, overwrite=True)
    begin(tmp_path, resume=True)
    assert (tmp_path / "slurm-4711.out").read_text() == "mine"
    assert (tmp_path / ".DS_Store").read_text() == "mine"


@pytest.mark.parametrize("name", ["samples.png", "model/card.json", "frames"])
@pytest.mark.parametrize("overwrite", [False, True])
def test_what_a_run_would_replace_is_left_alone(tmp_path, name, overwrite):
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text("mine")
    with pytest.raises(UsageError, match=f"holds {name}, which is not of a run"):
        begin(tmp_path, overwrite=overwrite)
    assert content(tmp_path) == {name: b"mine"}


RUN = (
    *("summary.json", ".summary.json.tmp", "metrics.jsonl", "samples.png"),
    *("frames/00001.png", "frames/00002.png", "progress.gif", "model/card.json"),
    *("model/generator.safetensors", "checkpoint/16/d/array", "checkpoint/.saving-24"),
    *("checkpoint/24/manifest.json", "checkpoint/corrupt-8/manifest.json"),
    "checkpoint/32.orbax-checkpoint-tmp/x",
)
MINE = (
    *("notes.txt", "frames/best.png", "model/README.md", "checkpoint/16-mine/array"),
    *("thesis/samples.png", "thesis/config.json", "map.png", "parts/000000.npz"),
)


def test_overwriting_deletes_what_the_run_wrote_and_nothing_else(tmp_path):
    begin(tmp_path)
    for name in (*RUN, *MINE):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    with pytest.raises(UsageError, match="holds map.png, which is not of a run"):
        begin(tmp_path, "path", overwrite=True)  # `path` has a map.png, `wgan` has none
    assert content(tmp_path).keys() >= {*RUN, *MINE}
    begin(tmp_path, seed=3, overwrite=True)
    left = content(tmp_path)
    assert left.keys() == {*MINE, "config.json", "duration.json", ".lock"}
    assert all(left[name].decode() == name for name in MINE)
    assert json.loads(left["config.json"])["seed"] == 3


def test_overwriting_follows_no_link(tmp_path):
    elsewhere, run = tmp_path / "elsewhere", tmp_path / "run"
    (elsewhere / "16").mkdir(parents=True)
    (elsewhere / "16" / "array").write_text("of another run")
    (elsewhere / "figure").write_text("of another run")
    begin(run)
    (run / "checkpoint").mkdir()
    (run / "checkpoint" / "16").symlink_to(elsewhere / "16")
    (run / "samples.png").symlink_to(elsewhere / "figure")
    before = content(elsewhere)
    begin(run, overwrite=True)
    assert content(elsewhere) == before
    assert {path.name for path in run.iterdir()} == {
        "config.json",
        "duration.json",
        ".lock",
    }


def test_every_command_says_what_it_writes():
    package = Path(written.__file__).parent.parent
    files = [p.stem for p in package.glob("*.py")]
    folders = [p.parent.name for p in package.glob("*/__main__.py")]
    assert {*files, *folders} - {"__init__"} == written.WRITTEN.keys()


def test_a_file_system_without_locks_is_a_warning(tmp_path, monkeypatch, capsys):
    def flock(*_):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(run_folder.fcntl, "flock", flock)
    begin(tmp_path)
    assert "cannot be locked: No locks available" in capsys.readouterr().err


def test_a_process_with_the_same_number_is_another_one(tmp_path):
    """Every container has a process 1."""
    begin(tmp_path)
    begin(tmp_path, resume=True)  # the same process, as in a notebook
    program = "import fcntl, os, sys; f = os.open(sys.argv[1], os.O_RDWR); "
    program += "fcntl.flock(f, fcntl.LOCK_EX); print(flush=True); sys.stdin.read()"
    other = tmp_path / "other"
    other.mkdir()
    (other / ".lock").write_text(f"{os.getpid()}\n")
    words = [sys.executable, "-c", program, other / ".lock"]
    with subprocess.Popen(words, stdin=-1, stdout=-1) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        with pytest.raises(UsageError, match="is in use by process"):
            begin(other)
