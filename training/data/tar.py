"""Tar shards in webdataset's naming convention: neighbouring files with one stem are one sample.

Our own reader of 512-byte headers: nothing is unpacked, and a sample is one read of the file and slices of it.
"""

from collections.abc import Iterator
from typing import NamedTuple

from training.data.errors import ShardError
from training.data.media import Source

BLOCK = 512
_REGULAR = (0x30, 0x00)
_LONG_NAME = 0x4C
_EXTENDED = 0x78
_MAGIC = b"ustar"
_END = bytes(BLOCK)

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
            named = _long_name(content) if kind == _LONG_NAME else _extended_name(content)
            if not override:
                start = offset
            override = named or override
            continue
        else:
            source.skip(padded(size))
        override = ""


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
        name = data[place : place + 100].split(b"\0", 1)[0].decode()
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
    folder, slash, base = name.rpartition("/")
    stem, _, extension = base.partition(".")
    return folder + slash + stem, extension


def padded(size: int) -> int:
    """The room that so many bytes take in a tar."""
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
    try:
        if field[0] & 0x80:
            # GNU's form for files of 8 GiB and more: the number itself, in base 256
            return header[156], int.from_bytes(field[1:], "big")
        return header[156], int(field.rstrip(b"\0 ") or b"0", 8)
    except ValueError:
        raise ShardError(path, offset, f"the tar header's size is {field!r}") from None


def _name(header: bytes) -> str:
    name = header[:100].split(b"\0", 1)[0].decode()
    prefix = header[345:500].split(b"\0", 1)[0].decode()
    return f"{prefix}/{name}" if prefix else name


def _long_name(content: bytes) -> str:
    return content.rstrip(b"\0").decode()


def _extended_name(content: bytes) -> str:
    """The path among a pax header's records; empty when it says nothing about the path."""
    place = 0
    while place < len(content):
        length = int(content[place : content.index(b" ", place)])
        record = content[place : place + length].split(b" ", 1)[1]
        if record.startswith(b"path="):
            return record[5:-1].decode()
        place += length
    return ""
