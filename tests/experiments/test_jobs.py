import pytest

from experiments.running import jobs, progress
from experiments.running.errors import Interrupted


def counting(ran, sizes):
    def job(number, size):
        def run():
            ran.append(number)
            return 10 * number

        return jobs.Job(f"job {number}", size, run)

    return [job(number, size) for number, size in enumerate(sizes)]


def test_results_come_in_the_order_of_the_jobs(tmp_path):
    ran = []
    assert jobs.run(counting(ran, [3, 1, 2]), "image", lambda: False, tmp_path) == [
        0,
        10,
        20,
    ]
    assert ran == [0, 1, 2]


def test_a_signal_stops_before_the_next_job(tmp_path):
    ran = []
    message = "^stopped after 4 of 6 images; go on with --resume$"
    with pytest.raises(Interrupted, match=message):
        jobs.run(counting(ran, [3, 1, 2]), "image", lambda: len(ran) == 2, tmp_path)
    assert ran == [0, 1]


def test_a_signal_in_the_last_job_comes_too_late(tmp_path):
    ran = []
    results = jobs.run(counting(ran, [3, 1]), "image", lambda: len(ran) == 2, tmp_path)
    assert results == [0, 10]


def clock(monkeypatch, times):
    """Let the clock show these times, one after the other."""
    readings = iter(times)
    monkeypatch.setattr(progress.time, "perf_counter", lambda: next(readings))


@pytest.mark.parametrize(
    ("times", "said"),
    [
        # The first piece was compiled; after the second one it is known.
        ([0, 12, 15, 18], "this takes about 2 minutes more\n"),
        # Nobody waits for the second piece where the first one took long.
        ([0, 300, 400, 500], "this takes about 3.5 hours more\n"),
        # What is read from disk tells nothing of what is not.
        ([0, 0.001, 3, 6], "this takes about 2 minutes more\n"),
        # Nothing is said of a short wait.
        ([0, 1, 1.2, 1.4], ""),
    ],
)
def test_the_wait_is_told_once_from_the_first_pieces(times, said, monkeypatch, capsys):
    clock(monkeypatch, times)
    done = progress.forecast()
    for left in (42, 41, 40):
        done(1, left)
    assert capsys.readouterr().out == said


def test_jobs_tell_how_long_they_take(monkeypatch, capsys, tmp_path):
    clock(monkeypatch, [0, 30, 60, 90])
    jobs.run(counting([], [1, 1, 8]), "image", lambda: False, tmp_path)
    assert capsys.readouterr().out == "this takes about 4 minutes more\n"


def test_the_page_of_a_run_says_how_far_it_is(tmp_path, monkeypatch):
    said = []
    monkeypatch.setattr(
        progress.page, "write", lambda out, far: said.append((out, far))
    )
    with progress.bar(tmp_path, 100, "%") as piece:
        for size in (30, 60, 20):  # one more than was expected
            with piece("part", size):
                pass
    far = [(done, total) for _, (done, total, unit) in said if unit == "%"]
    assert far == [(30, 100), (90, 100), (110, 110)]
    assert {out for out, _ in said} == {tmp_path}
