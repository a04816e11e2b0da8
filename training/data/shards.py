"""Shards: files whose samples can be counted, and read in any order."""

import csv
import json
from array import array
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from training.data.errors import DataError, ShardError
from training.data.media import Walk, file_size, read_at
from training.data.records import join_frames, lines, recordio_spans
from training.data.tar import members, padded, parse_span, split_name


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
        path: Path,
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

    def __init__(self, paths: Sequence[Path]) -> None:
        folder = paths[0].parent
        self._paths = [str(path) for path in paths]
        self._names = [split_name(_relative(path, folder)) for path in paths]

    def __len__(self) -> int:
        return len(self._paths)

    def read(self, number: int) -> dict[str, bytes | str]:
        """One file."""
        stem, extension = self._names[number]
        try:
            with open(self._paths[number], "rb", buffering=0) as file:
                return {"__key__": stem, extension: file.read()}
        except OSError as error:
            raise ShardError(self._paths[number], 0, error.strerror or str(error)) from error


class ArrayShard:
    """The rows of one .npy file, mapped into memory: nothing is read before it is asked for."""

    damage: ShardError | None = None

    def __init__(self, path: Path) -> None:
        import numpy

        try:
            self._rows = numpy.load(path, mmap_mode="r")
        except (OSError, ValueError) as error:
            raise ShardError(path, 0, str(error)) from error

    def __len__(self) -> int:
        return len(self._rows)

    def read(self, number: int) -> Any:
        """One row."""
        return self._rows[number]


class TokenShard:
    """Tokens in one long row, cut into windows of `block` and one more: inputs and, moved by one, targets."""

    damage: ShardError | None = None

    def __init__(self, path: Path, *, block: int, dtype: str) -> None:
        import numpy

        if path.suffix == ".npy":
            self._tokens = numpy.load(path, mmap_mode="r")
        else:
            width = numpy.dtype(dtype).itemsize
            if file_size(path) % width:
                raise ShardError(path, file_size(path), f"the file is no whole number of {dtype} tokens")
            self._tokens = numpy.memmap(path, dtype=dtype, mode="r")
        if self._tokens.ndim != 1:
            raise DataError(f"{path} has {self._tokens.ndim} dimensions: tokens are one row of whole numbers")
        self._block = block

    def __len__(self) -> int:
        return max(len(self._tokens) - 1, 0) // self._block

    def read(self, number: int) -> Any:
        """block + 1 tokens."""
        start = number * self._block
        return self._tokens[start : start + self._block + 1]


def tar_shard(path: Path, *, tolerate: bool) -> SpanShard:
    """A tar in webdataset's naming convention."""
    return SpanShard(path, _tar_spans, parse_span, tolerate=tolerate)


def recordio_shard(path: Path, *, tolerate: bool) -> SpanShard:
    """A RecordIO file; a sample is a record's bytes."""
    return SpanShard(path, lambda name: recordio_spans(Walk(name)), join_frames, tolerate=tolerate)


def json_lines_shard(path: Path, *, tolerate: bool) -> SpanShard:
    """JSON lines; a sample is what a line holds."""
    return SpanShard(path, partial(_line_spans, quoted=False), parse_json, tolerate=tolerate)


def csv_shard(path: Path, *, tolerate: bool) -> SpanShard:
    """CSV with a header; a sample is a mapping of the header's names to text."""
    names = csv_header(path)
    spans = partial(_line_spans, quoted=True, skip=1)
    return SpanShard(path, spans, partial(parse_csv, names), tolerate=tolerate)


def csv_header(path: Path) -> list[str]:
    """The names in the first line."""
    with open(path, newline="") as file:
        names = next(csv.reader(file), None)
    if not names:
        raise ShardError(path, 0, "a CSV file begins with a line of names")
    return names


def parse_json(data: bytes, path: str, offset: int) -> Any:
    """One line of JSON."""
    try:
        return json.loads(data)
    except ValueError as error:
        raise ShardError(path, offset, f"this line is not JSON: {error}") from error


def parse_csv(names: Sequence[str], data: bytes, path: str, offset: int) -> dict[str, str]:
    """One line of CSV."""
    values = next(csv.reader([data.decode()]))
    if len(values) != len(names):
        raise ShardError(path, offset, f"this line has {len(values)} values for {len(names)} names")
    return dict(zip(names, values, strict=True))


def _tar_spans(path: str) -> Iterator[tuple[int, int]]:
    walk = Walk(path)
    key, start, end = "", 0, 0
    for member in members(walk):
        stem, _ = split_name(member.name)
        if stem != key or end != member.start:
            # A new stem, or something that is not a file between two files of one stem
            if end:
                yield start, end
            key, start = stem, member.start
        walk.skip(padded(member.size))
        end = walk.offset
    if end:
        yield start, end


def _line_spans(path: str, *, quoted: bool, skip: int = 0) -> Iterator[tuple[int, int]]:
    with open(path, "rb", buffering=1 << 20) as file:
        for number, (begin, line) in enumerate(lines(file, path, quoted=quoted)):
            if number >= skip:
                yield begin, begin + len(line)


def _relative(path: Path, folder: Path) -> str:
    return path.relative_to(folder).as_posix() if path.is_relative_to(folder) else path.as_posix()


class Missing:
    """A shard that could not be opened at all and is to be passed over."""

    def __init__(self, damage: ShardError) -> None:
        self.damage: ShardError | None = damage

    def __len__(self) -> int:
        return 0

    def read(self, number: int) -> Any:
        """There is nothing to read."""
        raise IndexError(number)
