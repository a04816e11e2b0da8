"""Shards: files whose samples can be counted, and read in any order."""

import csv
import json
from array import array
from codecs import BOM_UTF8
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any, BinaryIO, Protocol

from training.data.arrays import open_array, open_numbers, own_copy
from training.data.errors import DataError, ShardError
from training.data.media import File, open_through, read_at, read_whole, require_unpacked_file, walk
from training.data.records import join_frames, lines, recordio_spans
from training.data.tar import members, padded, parse_span, split_name
from training.data.tfrecord.records import content_of, record_spans, unchecked_content_of


class Shard(Protocol):
    """A number of samples."""

    damage: ShardError | None
    """Why its last part is missing, when it was opened with `tolerate`."""

    def __len__(self) -> int: ...

    def read(self, number: int) -> Any:
        """One sample."""


class SpanShard:
    """A file in which each sample is a span of bytes: one index of starts and ends, and one read for each sample."""

    def __init__(
        self,
        path: File,
        spans: Callable[[str], Iterator[tuple[int, int]]],
        parse: Callable[[bytes, str, int], Any],
        *,
        tolerate: bool,
    ) -> None:
        self.path = str(path)
        self.damage: ShardError | None = None
        self._parse = parse
        self._starts, self._ends = array("Q"), array("Q")
        try:
            require_unpacked_file(self.path)
            for start, end in spans(self.path):
                self._starts.append(start)
                self._ends.append(end)
        except ShardError as error:
            if not tolerate:
                raise
            self.damage = error

    def __len__(self) -> int:
        return len(self._starts)

    def read(self, number: int) -> Any:
        """One sample."""
        start = self._starts[number]
        return self._parse(read_at(self.path, start, self._ends[number] - start), self.path, start)


class FilesShard:
    """Plain files, each a sample: `__key__` and the content under its extension."""

    damage: ShardError | None = None

    def __init__(self, paths: Sequence[File], root: str) -> None:
        self._paths = [str(path) for path in paths]
        self._names = [split_name(path.removeprefix(root)) for path in self._paths]

    def __len__(self) -> int:
        return len(self._paths)

    def read(self, number: int) -> dict[str, bytes | str]:
        """One file."""
        stem, extension = self._names[number]
        return {"__key__": stem, extension: read_whole(self._paths[number])}


class ArrayShard:
    """The rows of one .npy file, mapped into memory: nothing is read before it is asked for."""

    damage: ShardError | None = None

    def __init__(self, path: File) -> None:
        self._rows = open_array(str(path))

    def __len__(self) -> int:
        return len(self._rows)

    def read(self, number: int) -> Any:
        """One row."""
        return own_copy(self._rows[number])


class TokenShard:
    """Tokens in one long row, cut into windows of `block` and one more: inputs and, moved by one, targets."""

    damage: ShardError | None = None

    def __init__(self, path: File, *, block: int, dtype: str) -> None:
        self._tokens = open_array(str(path)) if path.suffix == ".npy" else open_numbers(str(path), dtype)
        if self._tokens.ndim != 1:
            raise DataError(f"{path} has {self._tokens.ndim} dimensions: tokens are one row of whole numbers")
        if self._tokens.dtype.kind not in "iu":
            raise DataError(f"{path} has numbers of type {self._tokens.dtype}: tokens are whole numbers")
        self.block = block
        self.tokens = len(self._tokens)

    def __len__(self) -> int:
        return max(self.tokens - 1, 0) // self.block

    def read(self, number: int) -> Any:
        """block + 1 tokens."""
        start = number * self.block
        return own_copy(self._tokens[start : start + self.block + 1])


def tar_shard(path: File, *, tolerate: bool) -> SpanShard:
    """A tar in webdataset's naming convention."""
    return SpanShard(path, _tar_spans, parse_span, tolerate=tolerate)


def recordio_shard(path: File, *, tolerate: bool) -> SpanShard:
    """A RecordIO file; a sample is a record's bytes."""
    return SpanShard(path, _recordio_spans, join_frames, tolerate=tolerate)


def tfrecord_shard(path: File, *, check: bool, tolerate: bool) -> SpanShard:
    """A TFRecord file; a sample is a record's bytes."""
    return SpanShard(path, record_spans, content_of if check else unchecked_content_of, tolerate=tolerate)


def json_lines_shard(path: File, *, tolerate: bool) -> SpanShard:
    """JSON lines; a sample is what a line holds."""
    return SpanShard(path, _line_spans, parse_json, tolerate=tolerate)


def csv_shard(path: File, *, tolerate: bool) -> SpanShard:
    """CSV with a header; a sample is a mapping of the header's names to text."""
    require_unpacked_file(str(path))
    with open_through(str(path)) as file:
        names, _ = csv_rows(file, str(path))
    return SpanShard(path, _csv_spans, partial(parse_csv, names), tolerate=tolerate)


def csv_rows(stream: BinaryIO, path: str) -> tuple[list[str], Iterator[tuple[int, bytes]]]:
    """The names in the first line, and the lines behind it, none in an empty file. One that repeats it is no sample.

    Files that were put one behind the other have such lines, and Pipe mode sends files so.
    """
    rows = lines(stream, path, quoted=True)
    begin, header = next(rows, (0, b""))
    if not header:
        return [], rows
    names = csv_fields(header.removeprefix(BOM_UTF8), path, begin)
    if not names:
        raise ShardError(path, begin, "a CSV file begins with a line of names")
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ShardError(path, begin, f"the first line has the name {twice[0]!r} more than once")
    return names, (row for row in rows if row[1] != header)


def parse_json(data: bytes, path: str, offset: int) -> Any:
    """One line of JSON."""
    try:
        return json.loads(data)
    except (ValueError, RecursionError) as error:
        raise ShardError(path, offset, f"this line is not JSON: {error}") from error


def parse_csv(names: Sequence[str], data: bytes, path: str, offset: int) -> dict[str, str]:
    """One line of CSV."""
    values = csv_fields(data, path, offset)
    if len(values) != len(names):
        raise ShardError(path, offset, f"this line has {len(values)} values for {len(names)} names")
    return dict(zip(names, values, strict=True))


def csv_fields(line: bytes, path: str, offset: int) -> list[str]:
    """The fields of one line."""
    try:
        return next(csv.reader([line.decode()]), [])
    except (UnicodeDecodeError, csv.Error) as error:
        raise ShardError(path, offset, f"this line is not CSV: {error}") from error


def _recordio_spans(path: str) -> Iterator[tuple[int, int]]:
    with walk(path) as source:
        yield from recordio_spans(source)


def _tar_spans(path: str) -> Iterator[tuple[int, int]]:
    key, start, end = "", 0, 0
    with walk(path) as source:
        for member in members(source):
            stem, _ = split_name(member.name)
            if stem != key or end != member.start:
                # A new stem, or something that is not a file between two files of one stem
                if end:
                    yield start, end
                key, start = stem, member.start
            source.skip(padded(member.size))
            end = source.offset
    if end:
        yield start, end


def _line_spans(path: str) -> Iterator[tuple[int, int]]:
    with open_through(path) as file:
        for begin, line in lines(file, path, quoted=False):
            yield begin, begin + len(line)


def _csv_spans(path: str) -> Iterator[tuple[int, int]]:
    with open_through(path) as file:
        _, rows = csv_rows(file, path)
        for begin, line in rows:
            yield begin, begin + len(line)


class Missing:
    """A shard that could not be opened at all and is to be skipped."""

    def __init__(self, damage: ShardError) -> None:
        self.damage: ShardError | None = damage

    def __len__(self) -> int:
        return 0

    def read(self, number: int) -> Any:
        """There is nothing to read."""
        raise IndexError(number)
