"""The records of a TFRecord file: a length, its checksum, the content, the content's checksum."""

import struct
from collections.abc import Iterator
from typing import BinaryIO

from training.data.errors import ShardError
from training.data.media import walk
from training.data.tfrecord.checksum import of_data, of_length, plain

HEAD_BYTES, TAIL_BYTES = 12, 4
_AHEAD_BYTES = 1 << 17
"""Few enough that a block's records are still in the processor's cache when their checksums are computed."""
_HEAD = struct.Struct("<QI")
_TAIL = struct.Struct("<I")
_TAIL_AND_HEAD = struct.Struct("<IQI")
"""The end of a record and the head of the next."""
_LARGEST_BYTES = 1 << 40
_KNOWN = 32
"""Lengths whose checksum is kept: records of a file are often of one size."""


def record_of(content: bytes) -> bytes:
    """A whole record."""
    head = len(content).to_bytes(8, "little")
    return head + _TAIL.pack(of_length(head)) + content + _TAIL.pack(of_data(content))


def stream_records(stream: BinaryIO, path: str, *, check: bool) -> Iterator[bytes]:
    """Each record's content, of a file or a pipe that is read once.

    One loop, one read of the stream for many records, no checksum of a length that has just been compared, and the head
    of the next record with the end of this one: a call more for each record costs a twentieth to a tenth of the speed,
    which is why the checksum is masked here. Of a record that a block cuts in two only the rest is read: the next block
    begins behind it, and is not copied to be put together.
    """
    unpack, unpack_tail, unpack_both = _HEAD.unpack_from, _TAIL.unpack_from, _TAIL_AND_HEAD.unpack_from
    read, known, crc_of = stream.read, dict[int, int](), plain()
    held, size, place, offset = b"", 0, 0, 0
    length, checksum, known_length, known_checksum = -1, 0, -1, 0
    while True:
        if length < 0:
            if size - place < HEAD_BYTES:
                lacking = HEAD_BYTES - (size - place)
                held, offset = held[place:] + read(lacking if place < size else _AHEAD_BYTES), offset + place
                size, place = len(held), 0
                if not held:
                    return
                if size < HEAD_BYTES:
                    raise ShardError(path, offset + size, f"the file ends {HEAD_BYTES - size} bytes too early")
            length, checksum = unpack(held, place)
        if length != known_length or checksum != known_checksum:
            _require_known_length(known, held[place : place + 8], length, checksum, path, offset + place)
            known_length, known_checksum = length, checksum
        begin = place + HEAD_BYTES
        end = begin + length
        behind = end + TAIL_BYTES
        if behind > size:
            held, offset = held[place:] + read(behind - size), offset + place
            size, begin, end, behind, place = len(held), HEAD_BYTES, end - place, behind - place, 0
            if behind > size:
                raise ShardError(path, offset + size, f"the file ends {behind - size} bytes too early")
        if behind + HEAD_BYTES <= size:
            tail, length, checksum = unpack_both(held, end)
        else:
            tail, length = unpack_tail(held, end)[0], -1
        content = held[begin:end]
        if check:
            crc = crc_of(content)
            if (crc >> 15 | crc << 17) + 0xA282EAD8 & 0xFFFFFFFF != tail:
                raise ShardError(path, offset + place, "the record does not match its checksum")
        yield content
        place = behind


def record_spans(path: str) -> Iterator[tuple[int, int]]:
    """Where each record begins and ends: of a file on a disk only the heads are read."""
    with walk(path) as source:
        while not source.at_end():
            start = source.offset
            head = source.read(HEAD_BYTES)
            length, checksum = _HEAD.unpack(head)
            _require_length(head[:8], length, checksum, path, start)
            source.skip(length + TAIL_BYTES)
            yield start, source.offset


def content_of(data: bytes, path: str, offset: int) -> bytes:
    """The content in a piece of a file that holds one record and nothing else, compared with its checksum."""
    content = data[HEAD_BYTES:-TAIL_BYTES]
    if of_data(content) != _TAIL.unpack_from(data, len(data) - TAIL_BYTES)[0]:
        raise ShardError(path, offset, "the record does not match its checksum")
    return content


def unchecked_content_of(data: bytes, path: str, offset: int) -> bytes:
    """The same for who trusts the medium."""
    return data[HEAD_BYTES:-TAIL_BYTES]


def _require_known_length(
    known: dict[int, int], encoded: bytes, length: int, checksum: int, path: str, offset: int
) -> None:
    if known.get(length) != checksum:
        _require_length(encoded, length, checksum, path, offset)
        if len(known) == _KNOWN:
            known.clear()
        known[length] = checksum


def _require_length(encoded: bytes, length: int, checksum: int, path: str, offset: int) -> None:
    if of_length(encoded) != checksum or length > _LARGEST_BYTES:
        raise ShardError(path, offset, "there is no TFRecord here: its length does not match its checksum")
