"""Splitting keeps every record, whatever the framing."""

import itertools
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shardyard.spec.transform.errors import TransformError
from shardyard.spec.transform.packing import pack
from shardyard.spec.transform.records import RECORDIO_MAGIC, split

_LINES = st.lists(st.binary(max_size=20).map(lambda line: line.replace(b"\n", b"")), min_size=1)


def recordio(payload: bytes, flag: int = 0) -> bytes:
    """One part as MXNet writes it."""
    padding = b"\0" * (-len(payload) % 4)
    return struct.pack("<II", RECORDIO_MAGIC, flag << 29 | len(payload)) + payload + padding


def tfrecord(payload: bytes) -> bytes:
    """One record as TensorFlow writes it; the checksums are not looked at."""
    return struct.pack("<Q", len(payload)) + b"crc1" + payload + b"crc2"


@given(lines=_LINES, ends=st.booleans())
def test_lines_come_back_whole(lines: list[bytes], ends: bool) -> None:
    whole = b"\n".join(lines) + (b"\n" if ends else b"")
    if not whole:
        assert split(whole, "Line") == []
        return
    found = [record.data for record in split(whole, "Line")]
    # An empty last line without its newline is not there
    assert found == (lines if ends or lines[-1] else lines[:-1])


def test_the_last_line_may_lack_its_newline_and_an_empty_object_has_no_record() -> None:
    assert [one.data for one in split(b"1,2\n\n3,4", "Line")] == [b"1,2", b"", b"3,4"]
    assert [one.data for one in split(b"1,2\n", "Line")] == [b"1,2"]
    assert split(b"", "Line") == []


@given(payloads=st.lists(st.binary(max_size=40)))
def test_binary_records_come_back_with_and_without_their_framing(payloads: list[bytes]) -> None:
    for how, write in (("RecordIO", recordio), ("TFRecord", tfrecord)):
        whole = b"".join(write(payload) for payload in payloads)
        records = split(whole, how)  # type: ignore[arg-type]
        assert [record.data for record in records] == payloads, how
        assert b"".join(record.framed for record in records) == whole, how


def test_a_recordio_record_in_parts_is_one_record() -> None:
    magic = struct.pack("<I", RECORDIO_MAGIC)
    whole = recordio(b"abcd", 1) + recordio(b"efgh", 2) + recordio(b"ij", 3) + recordio(b"next")
    first, second = split(whole, "RecordIO")
    assert first.data == magic.join((b"abcd", b"efgh", b"ij"))
    assert second.data == b"next"
    assert first.framed + second.framed == whole


@pytest.mark.parametrize(
    ("how", "data", "said"),
    [
        ("RecordIO", b"\0" * 8, "holds 0x0, not the magic 0xced7230a"),
        ("RecordIO", recordio(b"abcdefgh")[:-4], "has 8 bytes and the object ends"),
        ("RecordIO", recordio(b"ab", 1), "lacks its last part"),
        ("RecordIO", recordio(b"abcd") + b"\x0a", "ends within the header at byte 12"),
        ("TFRecord", tfrecord(b"abcd")[:-1], "has 4 bytes and the object ends"),
        ("TFRecord", b"\1\2\3", "ends within the header at byte 0"),
    ],
)
def test_a_broken_object_is_told(how: str, data: bytes, said: str) -> None:
    with pytest.raises(TransformError, match=said):
        split(data, how)  # type: ignore[arg-type]


@given(lines=_LINES, most=st.integers(min_value=20, max_value=60), alone=st.booleans())
def test_packing_keeps_every_record_in_its_order(lines: list[bytes], most: int, alone: bool) -> None:
    records = split(b"\n".join(lines) + b"\n", "Line")
    strategy = "SingleRecord" if alone else "MultiRecord"
    packed = list(pack(records, how="Line", strategy=strategy, most_bytes=most))  # type: ignore[arg-type]
    assert b"\n".join(body for _, body in packed) == b"\n".join(lines)
    assert sum(count for count, _ in packed) == len(lines)
    assert all(len(body) <= most for _, body in packed)
    if alone:
        assert all(count == 1 for count, _ in packed)
    else:
        # No payload has room for the next one's first record
        for (_, body), (_, following) in itertools.pairwise(packed):
            assert len(body) + 1 + len(following.split(b"\n")[0]) > most


def test_framing_stays_with_many_records_and_goes_with_one() -> None:
    records = split(recordio(b"abc") + recordio(b"d"), "RecordIO")
    many = list(pack(records, how="RecordIO", strategy="MultiRecord", most_bytes=None))
    assert many == [(2, recordio(b"abc") + recordio(b"d"))]
    single = list(pack(records, how="RecordIO", strategy="SingleRecord", most_bytes=None))
    assert single == [(1, b"abc"), (1, b"d")]


def test_a_record_above_the_limit_is_told() -> None:
    with pytest.raises(TransformError, match="record 2 has 6 bytes, and MaxPayloadInMB allows 5"):
        list(pack(split(b"12345\n123456\n", "Line"), how="Line", strategy="MultiRecord", most_bytes=5))
