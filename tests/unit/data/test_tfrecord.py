"""TFRecord without TensorFlow: checksums, records, what an Example holds, and what damage is found."""

import io
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.training.data_files import make_channel, open_map, world
from training.data import ShardError, TFRecord, channel
from training.data.tfrecord import checksum, records
from training.data.tfrecord.example import NoExample, encode_example, parse_example
from training.data.tfrecord.records import record_of, record_spans, stream_records

RECORDS = [b"", b"a", bytes(range(256)) * 13, b"x" * 5000, b"last"]
FILE = b"".join(map(record_of, RECORDS))
FEATURES = {"label": 7, "image_raw": b"\x00\xff" * 40, "weights": [0.5, -1.25], "ids": [0, -3, 1 << 40]}


def slow(data: bytes) -> int:
    """CRC-32C as it is defined, bit by bit."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return checksum.masked(crc ^ 0xFFFFFFFF)


def test_the_checksum_is_crc32c_and_not_zips() -> None:
    masked = (checksum.of_data(b"123456789") - 0xA282EAD8) & 0xFFFFFFFF
    assert (masked << 15 | masked >> 17) & 0xFFFFFFFF == 0xE3069283, "the published check value of CRC-32C"


@given(st.one_of(st.binary(max_size=70), st.integers(500, 1600).map(lambda size: bytes(n % 251 for n in range(size)))))
def test_the_checksum_of_any_length_is_that_of_its_definition(data: bytes) -> None:
    assert checksum.of_data(data) == checksum.masked(checksum.of_own(data)) == slow(data)


@pytest.mark.parametrize("package", [None, SimpleNamespace(implementation="python", value=None)], ids=["none", "slow"])
def test_without_the_fast_package_the_checksum_is_our_own(monkeypatch: pytest.MonkeyPatch, package: Any) -> None:
    fast = checksum.of_data(FILE)
    monkeypatch.setitem(sys.modules, "google_crc32c", package)
    checksum.plain.cache_clear()
    try:
        assert checksum.of_data(FILE) == fast
        assert checksum.plain() is checksum.of_own
    finally:
        checksum.plain.cache_clear()


def test_with_the_package_it_is_the_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "google_crc32c", SimpleNamespace(implementation="c", value=lambda data: 7))
    checksum.plain.cache_clear()
    try:
        assert checksum.of_data(FILE) == checksum.masked(7)
    finally:
        checksum.plain.cache_clear()


@given(st.binary(min_size=8, max_size=8))
def test_the_checksum_of_a_length_is_the_same(data: bytes) -> None:
    assert checksum.of_length(data) == slow(data)


def test_records_are_read_in_any_order_and_through(tmp_path: Path) -> None:
    environ = make_channel(tmp_path, {"a.tfrecord": FILE, "b.tfrecord": FILE})
    assert sorted(open_map(environ)) == sorted(RECORDS * 2)
    assert list(channel("train", shuffle=False, stream=True, environ=environ)) == RECORDS * 2
    (shard,) = TFRecord().open([tmp_path / "input/data/train/a.tfrecord"], root="", tolerate=False)
    assert [shard.read(number) for number in (4, 0, 3)] == [b"last", b"", b"x" * 5000]


def test_every_record_is_read_once_per_epoch_over_all_ranks(tmp_path: Path) -> None:
    content = b"".join(record_of(b"%d" % number) for number in range(12))
    environ = make_channel(tmp_path, {"a.tfrecord": content})
    for epoch in range(2):
        parts = [open_map(environ, world=world(rank, 3)) for rank in range(3)]
        for part in parts:
            part.epoch = epoch
        assert sorted(int(record) for part in parts for record in part) == list(range(12))


def test_a_position_is_the_very_next_record(tmp_path: Path) -> None:
    environ = make_channel(tmp_path, {"a.tfrecord": FILE, "b.tfrecord": FILE})
    whole = list(open_map(environ))
    begun = open_map(environ)
    first = [record for record, _ in zip(begun, range(4), strict=False)]
    resumed = open_map(environ)
    resumed.load_state_dict({**begun.state_dict(), "consumed": len(first)})
    assert first + list(resumed) == whole


@pytest.mark.parametrize("place", range(0, 60, 7))
def test_a_flipped_bit_is_found_wherever_it_is(tmp_path: Path, place: int) -> None:
    content = bytearray(record_of(b"x" * 40) + record_of(b"y"))
    content[place] ^= 1
    start = 0 if place < 56 else 56
    with pytest.raises(ShardError, match=f"x cannot be read at byte {start}: "):
        list(stream_records(io.BytesIO(content), "x", check=True))
    path = tmp_path / "a.tfrecord"
    path.write_bytes(content)
    with pytest.raises(ShardError, match=f"at byte {start}: "):
        (shard,) = TFRecord().open([path], root="", tolerate=False)
        for number in range(len(shard)):
            shard.read(number)


@pytest.mark.parametrize("size", [1, 11, 12, 20, len(FILE) - 1, len(FILE) - 30])
def test_a_cut_file_says_where(tmp_path: Path, size: int) -> None:
    path = tmp_path / "a.tfrecord"
    path.write_bytes(FILE[:size])
    with pytest.raises(ShardError, match=rf"at byte {size}: .* too early"):
        list(stream_records(io.BytesIO(FILE[:size]), "x", check=True))
    with pytest.raises(ShardError, match="too early"):
        list(record_spans(str(path)))


def test_without_checking_only_what_finds_records_is_compared() -> None:
    content = bytearray(record_of(b"x" * 40))
    content[20] ^= 1
    assert len(list(stream_records(io.BytesIO(content), "x", check=False))) == 1
    content[3] ^= 1
    with pytest.raises(ShardError, match="its length does not match"):
        list(stream_records(io.BytesIO(content), "x", check=False))


@pytest.mark.parametrize("block", [12, 13, 16, 37, 60, 1000])
def test_where_a_block_cuts_a_record_in_two_nothing_is_lost(monkeypatch: pytest.MonkeyPatch, block: int) -> None:
    monkeypatch.setattr(records, "_AHEAD_BYTES", block)
    contents = [bytes([size]) * size for size in (0, 3, 44, 20, 1, 200, 0, 5, 60)]
    file = b"".join(map(record_of, contents))
    assert list(stream_records(io.BytesIO(file), "x", check=True)) == contents
    last = len(file) - len(record_of(contents[-1]))
    damaged = file[: last + 20] + b"?" + file[last + 21 :]
    for content, where in ((damaged, last), (file[:-1], len(file) - 1)):
        found = stream_records(io.BytesIO(content), "x", check=True)
        assert [next(found) for _ in contents[:-1]] == contents[:-1]
        with pytest.raises(ShardError, match=f"x cannot be read at byte {where}: "):
            next(found)


def test_an_example_is_what_it_was_made_of() -> None:
    assert parse_example(encode_example(FEATURES)) == {
        "label": [7],
        "image_raw": [b"\x00\xff" * 40],
        "weights": [0.5, -1.25],
        "ids": [0, -3, 1 << 40],
    }
    assert parse_example(b"") == {}


@given(st.binary(max_size=60))
def test_bytes_that_are_no_example_are_refused_and_never_an_accident(data: bytes) -> None:
    try:
        parse_example(data)
    except NoExample as error:
        assert "no tf.train.Example" in str(error)


@pytest.mark.parametrize("wrong", [encode_example(FEATURES)[:-3], b"\xff" * 30, b"\x0a\x7f"])
def test_a_cut_example_is_refused(wrong: bytes) -> None:
    with pytest.raises(NoExample):
        parse_example(wrong)


def test_the_format_is_known_by_its_name(tmp_path: Path) -> None:
    for name in ("a.tfrecord", "a.tfrecords", "a.tfrec"):
        environ = make_channel(tmp_path / name, {name: FILE})
        found: Any = channel("train", environ=environ)
        assert len(found) == len(RECORDS)
