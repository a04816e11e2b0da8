"""Splits an object into records: by lines, or by the framing of RecordIO and TFRecord."""

import struct
from collections.abc import Callable, Iterator, Mapping
from typing import Literal, NamedTuple

from shardyard.spec.transform.errors import TransformError

Split = Literal["None", "Line", "RecordIO", "TFRecord"]

RECORDIO_MAGIC = 0xCED7230A
_LENGTH_BITS = 29
_LENGTH_MASK = (1 << _LENGTH_BITS) - 1
_WHOLE = 0
"""The flag of a RecordIO part that is a record of its own; 1, 2 and 3 are a record's first, middle and last part."""
_LAST = 3
_TFRECORD_HEADER = 12
_TFRECORD_FOOTER = 4


class Record(NamedTuple):
    """One record of an object: there are hundreds of thousands, and a tuple is made fastest."""

    data: bytes
    """What it says: a line without its newline, or a binary record without its framing."""
    framed: bytes
    """The same as it stands in the object, framing and padding included; a line has none."""


def split(data: bytes, how: Split) -> list[Record]:
    """The records of an object, in its order; without splitting it is one record."""
    return list(_SPLITTERS[how](data))


def _whole(data: bytes) -> Iterator[Record]:
    yield Record(data, data)


def lines(data: bytes) -> list[bytes]:
    """The records of an object that is split by lines: a newline ends one; the last one may lack it."""
    return data.removesuffix(b"\n").split(b"\n") if data else []


def _lines(data: bytes) -> Iterator[Record]:
    found = lines(data)
    yield from map(Record, found, found)


def _recordio(data: bytes) -> Iterator[Record]:
    """Apache MXNet's format: magic, flag and length, the part, padding to four bytes."""
    start = position = 0
    parts: list[bytes] = []
    while position < len(data):
        if position + 8 > len(data):
            raise TransformError(f"RecordIO: the object ends within the header at byte {position}")
        magic, word = struct.unpack_from("<II", data, position)
        if magic != RECORDIO_MAGIC:
            raise TransformError(f"RecordIO: byte {position} holds {magic:#x}, not the magic {RECORDIO_MAGIC:#x}")
        length, flag = word & _LENGTH_MASK, word >> _LENGTH_BITS
        end = position + 8 + length
        if end > len(data):
            raise TransformError(f"RecordIO: the record at byte {position} has {length} bytes and the object ends")
        parts.append(data[position + 8 : end])
        position = end + -length % 4
        if flag in (_WHOLE, _LAST):
            # A record that holds the magic itself was cut there
            yield Record(struct.pack("<I", RECORDIO_MAGIC).join(parts), data[start:position])
            start, parts = position, []
    if parts:
        raise TransformError(f"RecordIO: the record at byte {start} lacks its last part")


def _tfrecord(data: bytes) -> Iterator[Record]:
    """TensorFlow's format: length and its checksum, the record and its checksum; checksums are not verified."""
    position = 0
    while position < len(data):
        if position + _TFRECORD_HEADER > len(data):
            raise TransformError(f"TFRecord: the object ends within the header at byte {position}")
        (length,) = struct.unpack_from("<Q", data, position)
        first = position + _TFRECORD_HEADER
        end = first + length + _TFRECORD_FOOTER
        if end > len(data):
            raise TransformError(f"TFRecord: the record at byte {position} has {length} bytes and the object ends")
        yield Record(data[first : first + length], data[position:end])
        position = end


_SPLITTERS: Mapping[Split, Callable[[bytes], Iterator[Record]]] = {
    "None": _whole,
    "Line": _lines,
    "RecordIO": _recordio,
    "TFRecord": _tfrecord,
}
