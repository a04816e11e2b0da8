"""RecordIO, JSON lines and CSV: where their records begin and end."""

from collections.abc import Iterator
from typing import BinaryIO

from training.data.errors import ShardError
from training.data.media import Source

RECORDIO_MAGIC = 0xCED7230A
_MAGIC_BYTES = RECORDIO_MAGIC.to_bytes(4, "little")
_LENGTH_MASK = (1 << 29) - 1
_WHOLE, _FIRST, _LAST = 0, 1, 3


def recordio_frames(source: Source) -> Iterator[tuple[int, int, int]]:
    """Each frame's start, its part of a record (0: whole, 1: first, 2: middle, 3: last), and its length.

    The source stands at the frame's content; the caller reads or skips it, padded to four bytes.
    """
    start, is_open = 0, False
    while not source.at_end():
        start = source.offset
        header = source.read(8)
        if header[:4] != _MAGIC_BYTES:
            raise ShardError(source.path, start, f"there is no RecordIO frame here (found {header[:4].hex()})")
        word = int.from_bytes(header[4:], "little")
        part = word >> 29
        if is_open == (part in (_WHOLE, _FIRST)):
            raise ShardError(source.path, start, "a record's parts do not follow each other here")
        is_open = part not in (_WHOLE, _LAST)
        yield start, part, word & _LENGTH_MASK
    if is_open:
        raise ShardError(source.path, start, "the last record begins and does not end")


def padded4(length: int) -> int:
    """The room that a frame's content takes."""
    return (length + 3) & -4


def join_frames(data: bytes, path: str, offset: int) -> bytes:
    """The record in a piece of a file that holds its frames and nothing else."""
    length = int.from_bytes(data[4:8], "little")
    if length >> 29 == _WHOLE:
        return data[8 : 8 + (length & _LENGTH_MASK)]
    # A record that contains the magic number was cut there; the cuts themselves were dropped
    parts: list[bytes] = []
    place = 0
    while place < len(data):
        length = int.from_bytes(data[place + 4 : place + 8], "little") & _LENGTH_MASK
        parts.append(data[place + 8 : place + 8 + length])
        place += 8 + padded4(length)
    return _MAGIC_BYTES.join(parts)


def recordio_spans(source: Source) -> Iterator[tuple[int, int]]:
    """Where each whole record begins and ends."""
    begin = 0
    for start, part, length in recordio_frames(source):
        source.skip(padded4(length))
        if part in (_WHOLE, _FIRST):
            begin = start
        if part in (_WHOLE, _LAST):
            yield begin, source.offset


def recordio_stream(source: Source) -> Iterator[bytes]:
    """Each record's content, one after the other."""
    parts: list[bytes] = []
    for _, part, length in recordio_frames(source):
        content = source.read(padded4(length))[:length]
        if part == _WHOLE:
            yield content
            continue
        parts.append(content)
        if part == _LAST:
            yield _MAGIC_BYTES.join(parts)
            parts = []


def lines(stream: BinaryIO, path: str, *, quoted: bool) -> Iterator[tuple[int, bytes]]:
    """Each line that is not blank, and where it begins; with `quoted`, a field in quotes may hold line breaks."""
    offset = 0
    begin, held = 0, list[bytes]()
    is_open = False
    try:
        for line in stream:
            if not held:
                begin = offset
            offset += len(line)
            if quoted and line.count(b'"') % 2 == 1:
                is_open = not is_open
            held.append(line)
            if is_open:
                continue
            whole = line if len(held) == 1 else b"".join(held)
            held.clear()
            if not whole.isspace():
                yield begin, whole
    except OSError as error:
        raise ShardError(path, offset, error.strerror or str(error)) from error
    if held:
        raise ShardError(path, begin, "a quotation mark is opened here and never closed")
