"""How long a run has taken, over the processes that worked on it."""

import json
import math
import os
import time

import pytest

from experiments.running import duration


def written_at(path, seconds):
    """Write a file, or leave it as it is, with this time of writing."""
    path.touch()
    os.utime(path, (seconds, seconds))


def test_the_time_of_several_processes_is_added(tmp_path):
    """The first worked 100 s and was killed, the second 30 s, the third does now."""
    clock, part = tmp_path / duration.FILE, tmp_path / "000000.npz"
    now = time.time()
    duration.begin(tmp_path, ())
    assert duration.elapsed(tmp_path) < 5
    written_at(clock, now - 1000)
    written_at(part, now - 900)
    duration.begin(tmp_path, [part])
    assert duration.elapsed(tmp_path) == pytest.approx(100, abs=5)
    written_at(clock, now - 500)
    written_at(part, now - 470)
    duration.begin(tmp_path, [part, clock])
    assert duration.elapsed(tmp_path) == pytest.approx(130, abs=5)
    written_at(clock, time.time() - 60)
    assert duration.elapsed(tmp_path) == pytest.approx(190, abs=5)


def test_a_process_that_wrote_nothing_took_no_time(tmp_path):
    duration.begin(tmp_path, ())
    written_at(tmp_path / duration.FILE, 1000)
    written_at(tmp_path / "old", 10)
    duration.begin(tmp_path, [tmp_path / "old"])
    assert duration.elapsed(tmp_path) < 5


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"seconds_before": null}'])
def test_a_damaged_clock_begins_anew(tmp_path, text):
    (tmp_path / duration.FILE).write_text(text)
    duration.begin(tmp_path, ())
    read = json.loads((tmp_path / duration.FILE).read_text())
    assert read["seconds_before"] < 5 and duration.elapsed(tmp_path) < 5


def test_without_its_clock_the_time_of_a_run_is_not_known(tmp_path):
    assert math.isnan(duration.elapsed(tmp_path))
