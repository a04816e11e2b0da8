"""Tar shards in webdataset's naming convention: neighbouring files with one stem are one sample.

Our own reader of 512-byte headers: nothing is unpacked, and a sample is one read of the file and slices of it.
"""

import struct
from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

from training.data.errors import ShardError
from training.data.media import Source

BLOCK = 512
_REGULAR = (0x30, 0x00)
_LONG_NAME = 0x4C
_EXTENDED = 0x78
_MAGIC = b"ustar"
_END = bytes(BLOCK)
_HEADER = struct.Struct("100s24x11sB20xB100x5s83xB166x")
"""Name, size in octal digits and what ends them, kind, magic, and the first byte of the name's prefix."""
_LARGE_BYTES = 1 << 28
_LARGEST_BYTES = 1 << 40

Sample = dict[str, bytes | str]
"""`__key__`, and an entry for each file: its name behind the first dot, and its bytes."""


class Member(NamedTuple):
    """One file in a tar."""

    start: int
    """Where its first header begins; a long name has a header of its own before the file's."""

    name: str
    size: int


def members(source: Source) -> Iterator[Member]:
    """Each regular file; the source stands at its content, and the caller has to read or skip that (padded)."""
    override = ""
    start = source.offset
    while not source.at_end():
        offset = source.offset
        header = source.read(BLOCK)
        if header == _END:
            return
        kind, size = _kind_and_size(header, source.path, offset)
        if kind in _REGULAR:
            yield Member(start if override else offset, override or _name(header), size)
        elif kind in (_LONG_NAME, _EXTENDED):
            content = source.read(padded(size))[:size]
            if not override:
                start = offset
            override = _name_of_next(kind, content, override)
            continue
        else:
            source.skip(padded(size))
        override = ""


def stream_samples(stream: BinaryIO, path: str) -> Iterator[Sample]:
    """The samples of a tar that is read once, from beginning to end.

    One loop with two reads a member: one call more, of the stream or of a function, costs a twentieth of the speed.
    """
    read, parse = stream.read, _HEADER.unpack_from
    sample: Sample = {}
    key = override = ""
    size, content, padding, ahead, offset = 0, b"", 0, read(BLOCK), 0
    while len(ahead) == padding + BLOCK:
        field, digits, behind_digits, kind, magic, prefix = parse(ahead, padding)
        try:
            if magic != _MAGIC or behind_digits or not digits.isdigit():
                raise ValueError  # not the common form: another one, the end, or damage
            size = int(digits, 8)
        except ValueError:
            if ahead[padding:] == _END:
                break
            kind, size = _kind_and_size(ahead[padding:], path, offset)
        name = _name(ahead[padding:]) if prefix else field.partition(b"\0")[0].decode("utf-8", "surrogateescape")
        content = read(size) if size <= _LARGE_BYTES else _read_large(stream, size)
        padding = -size & 511
        ahead = read(padding + BLOCK)
        offset += BLOCK + size + padding
        if kind in _REGULAR:
            if override:
                name, override = override, ""
            stem, _, extension = name.partition(".")
            if "/" in name:
                stem, extension = split_name(name)
            if stem != key or not sample:
                if sample:
                    yield sample
                key, sample = stem, {"__key__": stem}
            sample[extension] = content
        else:
            override = _name_of_next(kind, content, override)
    else:
        _require_end(size + padding, len(content) + len(ahead), path, offset)
    if sample:
        yield sample


def _require_end(wanted: int, found: int, path: str, offset: int) -> None:
    """A tar without its end mark may stop behind a member, at that offset, and nowhere else."""
    if found < wanted:
        raise ShardError(path, offset - wanted + found, f"the stream ends {wanted - found} bytes too early")
    if found > wanted:
        missing = BLOCK - (found - wanted)
        raise ShardError(path, offset + found - wanted, f"the stream ends {missing} bytes too early")


def _read_large(stream: BinaryIO, size: int) -> bytes:
    """Piece by piece: a damaged header may promise more than there is memory."""
    pieces: list[bytes] = []
    while size > 0 and (piece := stream.read(min(size, _LARGE_BYTES))):
        pieces.append(piece)
        size -= len(piece)
    return b"".join(pieces)


def parse_span(data: bytes, path: str, offset: int) -> Sample:
    """The sample in a piece of a tar that holds its members and nothing else."""
    sample: Sample = {}
    place, end = 0, len(data)
    while place < end:
        kind = data[place + 156]
        try:
            size = int(data[place + 124 : place + 135], 8)
        except ValueError:
            _, size = _kind_and_size(data[place : place + BLOCK], path, offset + place)
        if kind not in _REGULAR:
            return _parse_slowly(data, path, offset)
        name = _text(data[place : place + 100])
        if data[place + 345]:
            name = _name(data[place : place + BLOCK])
        stem, extension = split_name(name)
        place += BLOCK
        sample["__key__"] = stem
        sample[extension] = data[place : place + size]
        place += (size + 511) & -512
    return sample


def split_name(name: str) -> tuple[str, str]:
    """The stem and the extension: everything behind the first dot of the file's own name."""
    if "/" not in name:
        stem, _, extension = name.partition(".")
        return stem, extension
    folder, slash, base = name.rpartition("/")
    stem, _, extension = base.partition(".")
    return folder + slash + stem, extension


def padded(size: int) -> int:
    """The room that this many bytes take in a tar."""
    return (size + BLOCK - 1) & -BLOCK


def _parse_slowly(data: bytes, path: str, offset: int) -> Sample:
    """The same with long names, which have headers of their own."""
    from io import BytesIO

    from training.data.media import Flow

    sample: Sample = {}
    flow = Flow(BytesIO(data), path)
    for member in members(flow):
        stem, extension = split_name(member.name)
        sample["__key__"] = stem
        sample[extension] = flow.read(padded(member.size))[: member.size]
    return sample


def _kind_and_size(header: bytes, path: str, offset: int) -> tuple[int, int]:
    if header[257:262] != _MAGIC:
        raise ShardError(path, offset, "there is no tar header here")
    field = header[124:136]
    if field[0] & 0x80:
        # GNU's form for files of 8 GiB and more: the number itself, in base 256
        size = int.from_bytes(field[1:], "big")
    else:
        digits = field.strip(b"\0 ") or b"0"
        size = int(digits, 8) if digits.isdigit() and not digits.strip(b"01234567") else -1
    if not 0 <= size <= _LARGEST_BYTES:
        raise ShardError(path, offset, f"the tar header's size is {field!r}")
    return header[156], size


def _name(header: bytes) -> str:
    name, prefix = _text(header[:100]), _text(header[345:500])
    return f"{prefix}/{name}" if prefix else name


def _text(field: bytes) -> str:
    """Text up to the first zero; bytes that are no UTF-8 are kept as they are."""
    return field.split(b"\0", 1)[0].decode(errors="surrogateescape")


def _name_of_next(kind: int, content: bytes, known: str) -> str:
    """What a member that is no file says of the name of the one behind it; empty when that has its own."""
    if kind == _LONG_NAME:
        return _text(content) or known
    return (_extended_name(content) or known) if kind == _EXTENDED else ""


def _extended_name(content: bytes) -> str:
    """The path among a pax header's records; empty when it says nothing about the path."""
    for record in content.split(b"\n"):
        _, _, setting = record.partition(b" ")
        if setting.startswith(b"path="):
            return setting[5:].decode(errors="surrogateescape")
    return ""
