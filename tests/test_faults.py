"""What happens to runs when the world goes wrong: through the real command line."""

import json
import os
import random
import signal
import subprocess
import sys
import time

import pytest

TOY = ["--dataset", "sample", "--epochs", "6", "--batch-size", "500"]
TOY += ["--checkpoint-every", "1", "--latent-dim", "4", "--widths", "16"]


def command(out, *flags):
    module = [sys.executable, "-m", "experiments.wgan"]
    return [*module, *TOY, "--out", str(out), *flags]


def finish(out, *flags):
    return subprocess.run(
        command(out, *flags), capture_output=True, text=True, timeout=240
    )


def state_hash(out):
    return json.loads((out / "summary.json").read_text())["state_sha256"]


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A run that nothing disturbed."""
    out = tmp_path_factory.mktemp("runs") / "whole"
    done = finish(out)
    assert done.returncode == 0, done.stderr
    return out


def test_a_damaged_checkpoint_is_named_set_aside_and_made_good(whole, tmp_path):
    out = tmp_path / "run"
    assert finish(out, "--epochs", "3").returncode == 0
    newest = max((out / "checkpoint").iterdir(), key=lambda p: int(p.name))
    data = [p for p in newest.rglob("*") if p.is_file()]
    largest = max(data, key=lambda p: p.stat().st_size)
    content = bytearray(largest.read_bytes())
    content[len(content) // 2] ^= 1
    largest.write_bytes(bytes(content))
    done = finish(out, "--resume")
    assert done.returncode == 0, done.stderr
    assert f"step {newest.name} unusable: corrupt: " in done.stderr
    assert "resumed at epoch 2 of 6" in done.stdout
    assert (newest.parent / f"corrupt-{newest.name}").is_dir()
    assert state_hash(out) == state_hash(whole)


def test_no_good_checkpoint_is_no_fresh_start(tmp_path):
    out = tmp_path / "run"
    assert finish(out, "--epochs", "1").returncode == 0
    for path in (out / "checkpoint").rglob("*"):
        if path.is_file():
            path.write_bytes(b"")
    for _ in range(2):
        done = finish(out, "--resume")
        assert done.returncode == 4 and "nothing else is there" in done.stderr
        assert done.stderr.count("\n") == 1


def test_a_full_disk_stops_the_run_only_at_its_end(tmp_path):
    """Files end at 60 kB: logs fit, weights do not."""
    out = tmp_path / "run"
    small_disk = f"""
import resource, runpy, sys
resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, 60_000))
sys.argv = {["wgan", *command(out, "--widths", "128")[3:]]}
runpy.run_module("experiments.wgan", run_name="__main__")
"""
    done = subprocess.run(
        [sys.executable, "-c", small_disk],
        env={k: v for k, v in os.environ.items() if not k.startswith("JAX_COMP")},
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert done.returncode == 4, done.stderr
    lines = done.stderr.splitlines()
    assert len(lines) == 7 and lines[-1].startswith("error: ")
    assert all("not saved: " in line for line in lines)
    assert len((out / "metrics.jsonl").read_text().splitlines()) == 6
    # With room again it goes on; nothing was saved, so from the start.
    done = finish(out, "--widths", "128", "--resume")
    assert done.returncode == 0, done.stderr


def test_two_processes_do_not_share_a_folder(tmp_path):
    out = tmp_path / "run"
    first = subprocess.Popen(
        command(out, "--epochs", "100000"),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        while not (out / "metrics.jsonl").exists():
            assert first.poll() is None
            time.sleep(0.01)
        second = finish(out, "--overwrite")
        assert second.returncode == 2
        assert f"in use by process {first.pid}" in second.stderr
    finally:
        first.kill()
        first.wait()


@pytest.mark.skipif(os.getuid() == 0, reason="root may write everywhere")
def test_an_unwritable_folder_is_said_before_anything_is_computed(tmp_path):
    tmp_path.chmod(0o500)
    done = finish(tmp_path / "run")
    assert done.returncode == 2 and "is not writable" in done.stderr


@pytest.mark.slow
def test_a_run_killed_twenty_times_ends_with_the_same_state(whole, tmp_path):
    out, rng, resume = tmp_path / "killed", random.Random(1), []
    for _ in range(20):
        process = subprocess.Popen(
            command(out, *resume), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        time.sleep(rng.uniform(0, 9))
        process.send_signal(signal.SIGKILL)
        process.wait()
        resume = ["--resume"] if (out / "config.json").exists() else []
    done = finish(out, *resume)
    assert done.returncode == 0, done.stderr
    assert state_hash(out) == state_hash(whole)
