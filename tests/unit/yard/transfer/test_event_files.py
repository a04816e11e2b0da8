"""TensorBoard's event files are read, as far as they are whole, and their scalars stand beside the log's."""

import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.data.tfrecord.records import record_of
from training.reporting.event_file import EventFile, scalar_event
from yard.runs.comparison import Point, with_scalars
from yard.transfer.event_files import Scalar, scalars


def test_what_is_written_is_read(tmp_path: Path) -> None:
    file = EventFile(tmp_path)
    file.add(1, {"train/loss": 0.5, "mine": 2.0})
    file.add(300, {"train/loss": 0.25})
    file.close()
    (path,) = tmp_path.iterdir()
    found = [(one.step, one.name, one.value) for one in scalars(path.read_bytes())]
    assert found == [(1, "loss", 0.5), (1, "mine", 2.0), (300, "loss", 0.25)]


def field(number: int, data: bytes) -> bytes:
    return bytes([number << 3 | 2, len(data)]) + data


@pytest.mark.parametrize(
    ("tensor", "value"),
    [
        (b"\x08\x01" + field(4, struct.pack("<f", 0.5)), 0.5),
        (b"\x08\x01" + field(5, struct.pack("<f", 0.5)), 0.5),
        (b"\x08\x01\x2d" + struct.pack("<f", 0.5), 0.5),
        (b"\x08\x02" + field(4, struct.pack("<d", 0.5)), 0.5),
        (b"\x08\x07" + field(8, b"a text"), None),
        (b"\x08\x01" + field(4, struct.pack("<ff", 1, 2)), None),
    ],
    ids=["content", "packed", "single", "double", "a text", "two numbers"],
)
def test_scalars_of_tensorflow_2_are_tensors(tensor: bytes, value: float | None) -> None:
    entry = field(1, b"epoch_loss") + field(8, tensor)
    event = b"\x09" + struct.pack("<d", 1.0) + b"\x10\x07" + field(5, field(1, entry))
    found = [(one.step, one.name, one.value) for one in scalars(record_of(event))]
    assert found == ([] if value is None else [(7, "epoch_loss", value)])


def test_a_file_that_is_cut_short_ends_where_it_is_cut() -> None:
    whole = [record_of(scalar_event(1.0, step, "loss", 1.0)) for step in range(3)]
    content = b"".join(whole)
    for cut in range(len(content)):
        steps = [one.step for one in scalars(content[:cut])]
        assert steps == list(range(cut // len(whole[0])))


@given(st.binary(max_size=200))
def test_anything_in_the_place_of_an_event_is_read(content: bytes) -> None:
    list(scalars(content))
    list(scalars(record_of(content)))
    list(scalars(record_of(field(5, field(1, content[:100])))))


def scalar(step: int, name: str, value: float) -> Scalar:
    return Scalar(wall_time=100.0 + step, step=step, name=name, value=value)


def test_they_stand_beside_the_log_which_counts_where_both_speak() -> None:
    log = [Point(step=1.0, seconds=0.0, metrics={"loss": 0.5})]
    found = with_scalars(
        log, [scalar(1, "loss", 9.0), scalar(1, "mine", 2.0), scalar(2, "loss", 0.4), scalar(2, "loss", 0.3)]
    )
    assert [(point.step, point.metrics) for point in found] == [
        (1.0, {"loss": 0.5, "mine": 2.0}),
        (2.0, {"step": 2.0, "loss": 0.3}),
    ]
    assert found[1].seconds == 1.0
    assert with_scalars(log, []) == log
