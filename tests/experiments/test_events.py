"""Event files for TensorBoard hold what was logged."""

import struct

import pytest

pytest.importorskip("tensorboardX", reason="the extra `tensorboard` is not installed")

from tensorboardX.proto import event_pb2

from experiments.reporting import events


def scalars(path):
    """Read step and value of every scalar, by its name: records of a length, two check
    sums, and an event."""
    data, found = path.read_bytes(), {}
    while data:
        (length,) = struct.unpack("<Q", data[:8])
        event = event_pb2.Event.FromString(data[12 : 12 + length])  # pyright: ignore
        for value in event.summary.value:
            found.setdefault(value.tag, []).append((event.step, value.simple_value))
        data = data[16 + length :]
    return found


def test_every_logged_number_is_there(tmp_path):
    with events.logging(tmp_path / "events", 0) as log:
        log({"epoch": 1, "critic_loss": 0.5})
        log({"epoch": 2, "critic_loss": -0.25})
    (path,) = (tmp_path / "events").iterdir()
    assert scalars(path)["critic_loss"] == [(1, 0.5), (2, -0.25)]
