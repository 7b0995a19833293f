"""What happens to runs when the world goes wrong: through the real command line."""

import gzip
import json
import os
import shutil
import signal
import struct
import sys
import time
from pathlib import Path

import damages
import numpy as np
import pytest
from processes import TOY_WGAN, command, fail, finish, run, start, succeed, wait_until

from experiments import wgan
from experiments.running import run_folder
from jaxgan.errors import DataError
from jaxgan.storage import seals


def toy(out, *flags):
    """The command of a toy run."""
    return command("wgan", out, *TOY_WGAN, *flags)


def state_hash(out):
    return json.loads((out / "summary.json").read_text())["state_sha256"]


def steps(out):
    """The checkpoints that are complete."""
    done = (out / "checkpoint").glob("[0-9]*/manifest.json")
    return sorted(int(path.parent.name) for path in done)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A run that nothing disturbed."""
    out = tmp_path_factory.mktemp("runs") / "whole"
    succeed("wgan", out, *TOY_WGAN)
    return out


@pytest.fixture(scope="module")
def killed_in_a_save(whole, tmp_path_factory):
    """What a real SIGKILL in the middle of a save left of the same run."""
    for _ in range(10):
        out = tmp_path_factory.mktemp("runs") / "killed"
        process = start(toy(out))
        saves = out / "checkpoint"
        while process.poll() is None:
            if len(steps(out)) >= 2 and list(saves.glob(".saving-*")):
                process.kill()
                break
            time.sleep(0.001)
        process.communicate()
        begun = [int(p.name.removeprefix(".saving-")) for p in saves.glob(".saving-*")]
        if begun and begun[0] not in steps(out):
            return out
    raise AssertionError("no kill hit a save")


@pytest.fixture
def killed(killed_in_a_save, tmp_path):
    return Path(shutil.copytree(killed_in_a_save, tmp_path / "run"))


def logged(out):
    rows = run_folder.parse_rows((out / "metrics.jsonl").read_text())
    return [{k: v for k, v in row.items() if "second" not in k} for row in rows]


def test_a_kill_during_a_save_costs_that_save_only(whole, killed):
    """The rows are kept with the state: their file may be lost."""
    last = steps(killed)[-1]
    (killed / "metrics.jsonl").write_text("{")
    said = succeed("wgan", killed, *TOY_WGAN, "--resume")
    assert f"resumed at epoch {last // 8} of 6" in said
    assert state_hash(killed) == state_hash(whole)
    assert logged(killed) == logged(whole)
    left = [path.name for path in (killed / "checkpoint").iterdir()]
    assert sorted(map(int, left)) == steps(killed) == [32, 40, 48]


def test_a_damaged_checkpoint_is_named_set_aside_and_made_good(whole, killed):
    *_, before, last = steps(killed)
    newest = killed / "checkpoint" / str(last)
    data = [p for p in newest.rglob("*") if p.is_file()]
    largest = max(data, key=lambda p: p.stat().st_size)
    damages.flip(largest)
    frame = killed / "frames" / "00001.png"
    frame.write_bytes(frame.read_bytes()[:100])
    done = run("wgan", killed, *TOY_WGAN, "--resume")
    assert done.returncode == 0, done.stderr
    checkpoint, film = done.stderr.splitlines()
    assert f"step {last} unusable: corrupt: " in checkpoint
    assert largest.name in checkpoint
    assert f"{frame} is not in the film" in film
    assert f"resumed at epoch {before // 8} of 6" in done.stdout
    assert (newest.parent / f"corrupt-{last}").is_dir()
    assert state_hash(killed) == state_hash(whole)


def test_no_good_checkpoint_is_no_fresh_start(killed):
    for path in (killed / "checkpoint").rglob("*"):
        if path.is_file():
            damages.empty(path)
    fail(4, "nothing else is there", "wgan", killed, *TOY_WGAN, "--resume")


def test_a_full_disk_stops_the_run_only_at_its_end(whole, killed):
    """Files end at 60 kB: logs fit, weights do not."""
    good = {p: p.read_bytes() for p in killed.rglob("[0-9]*/**/*") if p.is_file()}
    done_before = steps(killed)
    small_disk = f"""
import resource, runpy, sys
resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, 60_000))
sys.argv = {["wgan", *toy(killed, "--resume")[3:]]}
runpy.run_module("experiments.wgan", run_name="__main__")
"""
    done = finish(
        [sys.executable, "-c", small_disk],
        # It may read what others compiled, but has no room to add to it.
        JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS="1000",
    )
    assert done.returncode == 4, done.stderr
    lines = done.stderr.splitlines()
    assert len(lines) == 6 - len(done_before) + 1 and lines[-1].startswith("error: ")
    assert all("not saved: " in line and "File too large" in line for line in lines)
    assert len((killed / "metrics.jsonl").read_text().splitlines()) == 6
    assert steps(killed) == done_before
    checkpoints = [path for path in good if "checkpoint" in path.parts]
    assert checkpoints and all(path.read_bytes() == good[path] for path in checkpoints)
    # With room again it goes on from the last one that was saved.
    succeed("wgan", killed, *TOY_WGAN, "--resume")
    assert state_hash(killed) == state_hash(whole)


def test_two_processes_do_not_share_a_folder(tmp_path):
    out = tmp_path / "run"
    first = start(toy(out, "--epochs", "100000"))
    try:
        wait_until((out / "metrics.jsonl").exists, first)
        message = f"in use by process {first.pid}"
        fail(2, message, "wgan", out, *TOY_WGAN, "--overwrite")
        # The first is none the worse, and stops where it can be resumed.
        first.terminate()
        errors = first.communicate(timeout=60)[1]
        assert first.returncode == 75 and errors.count("\n") == 1, errors
        assert "go on with --resume" in errors and steps(out)
    finally:
        first.kill()
        first.wait()


def catches_signals(process):
    """Whether SIGTERM has a handler, as it has while something can be saved."""
    status = Path(f"/proc/{process.pid}/status").read_text()
    caught = next(line for line in status.splitlines() if line.startswith("SigCgt"))
    return int(caught.split()[1], 16) >> signal.SIGTERM - 1 & 1


def test_a_second_signal_leaves_at_once(tmp_path):
    """Not at the end of the epoch, which takes some seconds with batches of four."""
    out = tmp_path / "run"
    process = start(toy(out, "--batch-size", "4"))
    try:
        wait_until(lambda: catches_signals(process), process)
        process.terminate()
        time.sleep(0.3)
        assert process.poll() is None
        process.send_signal(signal.SIGINT)
        errors = process.communicate(timeout=60)[1]
    finally:
        process.kill()
        process.wait()
    assert process.returncode == 128 + signal.SIGINT and not errors
    assert not (out / "metrics.jsonl").exists()


def test_ctrl_c_before_anything_can_be_saved_is_no_traceback(tmp_path):
    process = start(toy(tmp_path / "run"))
    wait_until((tmp_path / "run" / "config.json").exists, process)
    process.send_signal(signal.SIGINT)
    assert process.communicate(timeout=60)[1] == ""
    assert process.returncode == -signal.SIGINT


def test_a_folder_that_cannot_be_is_said_before_anything_is_compiled():
    """Nobody, not even root, makes a folder there."""
    out, said = Path("/proc/jaxgan"), {"JAX_LOG_COMPILES": "1"}
    fail(2, "is not writable", "wgan", out, *TOY_WGAN, **said)


def test_another_key_implementation_is_refused(killed):
    message = "jax_default_prng_impl was 'threefry2x32', is 'rbg'"
    other = {"JAX_DEFAULT_PRNG_IMPL": "rbg"}
    fail(2, message, "wgan", killed, *TOY_WGAN, "--resume", **other)
    assert not list(killed.rglob("corrupt-*"))


@pytest.mark.slow
def test_another_dtype_and_an_unknown_format_are_refused(killed):
    manifest = killed / "checkpoint" / str(steps(killed)[-1]) / "manifest.json"
    content = seals.open_json(manifest.read_bytes())
    leaves = {k: v.replace("float32", "float16") for k, v in content["leaves"].items()}
    for other, message in (
        ({"leaves": leaves}, "float16[16], expected float32[16]"),
        ({"format": 99}, "format is 99, expected 2"),
    ):
        manifest.write_bytes(seals.seal_json(content | other))
        fail(4, message, "wgan", killed, *TOY_WGAN, "--resume")
        assert not list(killed.rglob("corrupt-*"))


IMAGES = struct.pack(">IIII", 0x803, 60_000, 28, 28)
LENGTH = len(IMAGES) + 60_000 * 28 * 28
LABELS = struct.pack(">II", 0x801, 60_000)
NAMES = [
    f"{part}-{what}" for part in ("train", "t10k") for what in ("images", "labels")
]


def images(path, content=IMAGES, length=LENGTH):
    """A file that takes no room on disk: black but for its beginning."""
    path.write_bytes(content)
    os.truncate(path, length)


MALFORMED = {
    "cut gzip": (
        lambda p: p.write_bytes(gzip.compress(IMAGES + bytes(10_000))[:-9]),
        None,
        "a complete gzip file",
    ),
    "empty": (lambda p: p.write_bytes(b""), None, "found an empty file"),
    "cut": (lambda p: images(p, length=LENGTH - 1), None, "a file cut off after"),
    "trailing": (lambda p: images(p, length=LENGTH + 1), None, "more bytes after"),
    "magic": (lambda p: images(p, b"\1" + IMAGES[1:]), None, "magic bytes 0000"),
    "type": (lambda p: images(p, IMAGES[:2] + b"\r" + IMAGES[3:]), None, "type 8"),
    "shape": (lambda p: images(p, IMAGES[:-1] + b"\0"), None, "(60000, 28, 0)"),
    "oversize": (
        lambda p: images(p, IMAGES[:4] + b"\xff" + IMAGES[5:]),
        None,
        "(4278250080,",
    ),
    "html": (lambda p: p.write_text("<!DOCTYPE html>"), None, "an HTML page"),
    "label": (images, LABELS + bytes(59_999) + b"\n", "found 10 at index 59999"),
    "count": (images, LABELS[:7] + b"\0" + bytes(59_904), "shape (60000,)"),
}


def write_malformed(folder, fault):
    """Write the files of a dataset with a fault; return what is to be said of it."""
    write_images, labels, message = MALFORMED[fault]
    for part in ("train", "t10k"):
        write_images(folder / f"{part}-images-idx3-ubyte")
        (folder / f"{part}-labels-idx1-ubyte").write_bytes(labels or b"")
    return message


# Fashion-MNIST: of MNIST the very content is known, and told first.


@pytest.mark.parametrize("fault", MALFORMED)
def test_malformed_data_is_one_line(tmp_path, fault):
    message = write_malformed(tmp_path, fault)
    config = wgan.Config(
        dataset="fashion_mnist", data_dir=tmp_path, out=tmp_path / "run"
    )
    with pytest.raises(DataError) as caught:
        wgan.run(config)
    said = str(caught.value)
    assert message in said and "expected" in said and "\n" not in said
    assert not (tmp_path / "run").exists()


def test_malformed_data_ends_a_process_with_one_line(tmp_path):
    message = write_malformed(tmp_path, "cut gzip")
    flags = ["--dataset", "fashion_mnist", "--data-dir", tmp_path]
    fail(3, message, "wgan", tmp_path / "run", *flags)
    assert not (tmp_path / "run").exists()


def test_no_data_and_no_network_is_one_line_with_the_ways_out(tmp_path):
    nowhere = {"http_proxy": "http://127.0.0.1:9", "TFDS_DATA_DIR": str(tmp_path)}
    message = "--data-dir, or use --dataset sample"
    fail(3, message, "wgan", tmp_path / "run", "--dataset", "kmnist", **nowhere)
    assert not (tmp_path / "run").exists()


def test_pickled_arrays_are_refused(tmp_path, toy_model):
    path = tmp_path / "objects.npy"
    np.save(path, np.array([print]), allow_pickle=True)
    flags = ["--checkpoint", toy_model, "--targets", path]
    fail(2, "Python objects", "invert", tmp_path / "run", *flags)
    assert not (tmp_path / "run").exists()
