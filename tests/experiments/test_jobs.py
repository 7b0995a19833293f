import pytest

from experiments.running import jobs
from experiments.running.errors import Interrupted


def counting(ran, sizes):
    def job(number, size):
        def run():
            ran.append(number)
            return 10 * number

        return jobs.Job(f"job {number}", size, run)

    return [job(number, size) for number, size in enumerate(sizes)]


def test_results_come_in_the_order_of_the_jobs():
    ran = []
    assert jobs.run(counting(ran, [3, 1, 2]), "image", lambda: False) == [0, 10, 20]
    assert ran == [0, 1, 2]


def test_a_signal_stops_before_the_next_job():
    ran = []
    message = "^stopped after 4 of 6 images; go on with --resume$"
    with pytest.raises(Interrupted, match=message):
        jobs.run(counting(ran, [3, 1, 2]), "image", lambda: len(ran) == 2)
    assert ran == [0, 1]


def test_a_signal_in_the_last_job_comes_too_late():
    ran = []
    results = jobs.run(counting(ran, [3, 1]), "image", lambda: len(ran) == 2)
    assert results == [0, 10]
