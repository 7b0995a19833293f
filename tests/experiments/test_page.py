"""The page of a run: what is on it, what cannot harm it, and what it cannot harm."""

import base64
import json
import re
from html.parser import HTMLParser
from typing import Any

import numpy as np
import pytest

from experiments import report
from experiments.reporting import contents, numbers, page, pictures
from experiments.running import jobs, written
from experiments.running.errors import Interrupted, UsageError

HOSTILE = '"><script>alert(1)</script>&amp;'
CONFIG: dict[str, Any] = {
    **{"experiment": "wgan", "command": "python -m experiments.wgan", "seed": 3},
    **{"dataset": "sample", "data_sha256": "abc", "device": "cpu", "epochs": 2},
    "versions": {"jax": "0.10"},
}
SUMMARY = {
    **{"experiment": "wgan", "in_words": "It is trained.\nIt is good.", "steps": 16},
    **{"coverage": 0.25, "coverage_error": 0.0625, "coverage_floor": 0.5},
    **{"share": 0.125, "intervals_over_images": {"share": [0.1, 0.2]}, "lost": None},
}


class Tags(HTMLParser):
    """The tags of a page, and its text."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.said = [], ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.said += data

    def images(self):
        return [attrs["src"] for tag, attrs in self.tags if tag == "img"]


def make(folder, config=CONFIG, summary=SUMMARY):
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "summary.json").write_text(json.dumps(summary))
    for name in ("losses.png", "samples.png"):
        pictures.save_image(folder / name, np.full((4, 6), 90, np.uint8))
    return folder


def seen(path):
    return Tags(path.read_text(encoding="utf-8"))


def test_the_page_has_the_verdict_the_figures_and_the_numbers(tmp_path, capsys):
    run = make(tmp_path / "run")
    page.write(run)
    assert capsys.readouterr().err == ""
    found = seen(run / "report.html")
    assert "It is trained." in found.said and "python -m experiments.wgan" in found.said
    assert "± 0.0625" in found.said
    assert "[0.1, 0.2]" in found.said
    main, other = (base64.b64decode(s.partition(",")[2]) for s in found.images())
    assert main == (run / "samples.png").read_bytes()
    assert other == (run / "losses.png").read_bytes()
    assert "script" not in [tag for tag, _ in found.tags]
    outside = [a.get("href", a.get("src", "")) for _, a in found.tags]
    assert not [link for link in outside if link and "//" in link.split(",")[0]]


def test_numbers_stand_beside_their_intervals_and_floors():
    found = {number.name: number for number in numbers.of_summary(SUMMARY)}
    assert list(found) == ["steps", "coverage", "share", "lost"]
    assert found["coverage"][1:] == ("0.25", "± 0.0625", "0.5")
    assert found["share"][1:] == ("0.125", "[0.1, 0.2]", "")
    assert found["lost"].value == numbers.NOTHING
    spread = numbers.of_summary({"gan_mean": 1.0, "gan_sd": 0.5})
    assert [number[1:] for number in spread] == [("1", "± 0.5", "")]


def test_tables_and_prose_of_a_text_in_markdown():
    text = (
        "Ours wins.\n\nEcho:\n\n| a | b |\n| --- | --- |\n| 1 | \\| |\n\nAnd so on.\n"
    )
    assert numbers.tables(text) == [("Echo", ["a", "b"], [["1", "\\|"]])]
    assert numbers.prose(text) == "Ours wins.\n\nAnd so on."


def test_names_and_values_that_are_hostile_are_text(tmp_path):
    run = make(
        tmp_path / HOSTILE.replace("/", "|"),
        {**CONFIG, "command": HOSTILE},
        {**SUMMARY, "in_words": HOSTILE, HOSTILE: HOSTILE},
    )
    other = make(tmp_path / "other")
    page.write(run)
    report.run(report.Config((run, other)))
    for path in (run / "report.html", tmp_path / "report.html"):
        found = seen(path)
        assert "script" not in [tag for tag, _ in found.tags]
        assert HOSTILE in found.said


def test_a_page_says_how_far_the_run_is_and_renews_itself(tmp_path):
    run = make(tmp_path / "run")
    (run / "summary.json").unlink()
    for progress, said in (
        (page.BEGUN, "The run has begun"),
        (page.Progress(3, 8, "epoch"), "3 of 8 epochs are done"),
    ):
        page.write(run, progress)
        found = seen(run / "report.html")
        assert said in found.said
        assert ("meta", {"http-equiv": "refresh", "content": "10"}) in found.tags
    page.write(run)
    found = seen(run / "report.html")
    assert "has not ended" in found.said
    assert not [a for tag, a in found.tags if a.get("http-equiv") == "refresh"]


def test_jobs_renew_the_page(tmp_path):
    run = make(tmp_path / "run")
    ran = []
    every = [jobs.Job("a job", size, lambda: ran.append(1)) for size in (3, 1, 2)]
    with pytest.raises(Interrupted):
        jobs.run(every, "image", lambda: len(ran) == 2, run)
    assert "4 of 6 images are done" in seen(run / "report.html").said


def test_what_is_damaged_costs_itself_only(tmp_path, capsys):
    run = make(tmp_path / "run")
    (run / "losses.png").write_bytes(b"\x89PNG and no more")
    page.write(run)
    found = seen(run / "report.html")
    assert len(found.images()) == 1 and "losses.png is damaged" in found.said
    before = (run / "report.html").read_text()
    for content in ("{", "[]"):
        (run / "summary.json").write_text(content)
        page.write(run)
        assert "report.html is not written" in capsys.readouterr().err
    assert (run / "report.html").read_text() == before
    page.write(tmp_path / "none")
    assert "does not hold a run" in capsys.readouterr().err


def test_runs_side_by_side_show_what_differs(tmp_path, capsys):
    one = make(tmp_path / "one")
    two = make(tmp_path / "two", {**CONFIG, "epochs": 7}, {**SUMMARY, "steps": 56})
    (two / "losses.png").unlink()
    report.run(report.Config((one, two), tmp_path / "both.html"))
    text = (tmp_path / "both.html").read_text(encoding="utf-8")
    assert re.search(r"<td>epochs</td><td>2</td><td>7</td>", text)
    assert re.search(r"<td>steps</td><td>16</td><td>56</td>", text)
    assert "<td>seed</td>" not in text
    assert len(Tags(text).images()) == 3 and "has no such figure" in text
    assert "both.html" in capsys.readouterr().out


def test_no_file_is_replaced_that_is_not_a_report(tmp_path):
    run = make(tmp_path / "run")
    (run / "report.html").write_text("<html>mine</html>")
    with pytest.raises(UsageError, match="is not a report, and would be replaced"):
        report.run(report.Config((run,)))
    assert (run / "report.html").read_text() == "<html>mine</html>"
    (run / "report.html").unlink()
    for _ in range(2):
        report.run(report.Config((run,)))
    with pytest.raises(UsageError, match="no report can be made: .*not hold a run"):
        report.run(report.Config((tmp_path,)))
    with pytest.raises(UsageError, match="--out is for several runs"):
        report.Config((run,), tmp_path / "x.html")


def test_every_file_of_a_run_has_a_caption():
    for command, patterns in written.WRITTEN.items():
        for pattern in ("config.json", "summary.json", "report.html", *patterns):
            assert contents.caption(pattern), pattern
        main = contents.MAIN_FIGURES.get(command)
        assert main is None or main in patterns
