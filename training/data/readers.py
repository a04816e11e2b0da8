"""The formats: each knows how to open files as shards, and how to read a stream from its beginning to its end."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import PurePosixPath
from typing import Any, BinaryIO, Protocol

from training.data import shards
from training.data.arrays import own_copy
from training.data.errors import UNPACK, DataError, ShardError, say
from training.data.media import File, Flow
from training.data.records import lines, recordio_stream
from training.data.shards import Shard
from training.data.tar import Sample, split_name, stream_samples
from training.data.tfrecord.records import stream_records


class Reader(Protocol):
    """Reads one format: samples by number, or as a stream."""

    def open(self, paths: Sequence[File], *, root: str, tolerate: bool) -> list[Shard]:
        """Open files as shards. What is behind `root` in a file's name is its name in the channel."""

    def stream(self, stream: BinaryIO, name: str) -> Iterator[Any]:
        """The samples of one file or pipe in their order."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Tar:
    """Tar shards in webdataset's naming convention."""

    def open(self, paths: Sequence[File], *, root: str, tolerate: bool) -> list[Shard]:
        """One shard a file."""
        return [shards.tar_shard(path, tolerate=tolerate) for path in paths]

    def stream(self, stream: BinaryIO, name: str) -> Iterator[Sample]:
        """Neighbouring files with one stem are one sample."""
        return stream_samples(stream, name)


@dataclass(frozen=True, kw_only=True, slots=True)
class RecordIO:
    """RecordIO, which Pipe mode wraps records in; a sample is a record's bytes."""

    def open(self, paths: Sequence[File], *, root: str, tolerate: bool) -> list[Shard]:
        """One shard a file."""
        return [shards.recordio_shard(path, tolerate=tolerate) for path in paths]

    def stream(self, stream: BinaryIO, name: str) -> Iterator[bytes]:
        """Every record, in order."""
        return recordio_stream(Flow(stream, name))


@dataclass(frozen=True, kw_only=True, slots=True)
class TFRecord:
    """TFRecord; a sample is a record's bytes, which `training.data.tfrecord.example` or TensorFlow parses."""

    check: bool = True
    """Compare each record with its checksum; without it only the lengths are compared, which are what finds records."""

    def open(self, paths: Sequence[File], *, root: str, tolerate: bool) -> list[Shard]:
        """One shard a file, each with an index of its records."""
        return [shards.tfrecord_shard(path, check=self.check, tolerate=tolerate) for path in paths]

    def stream(self, stream: BinaryIO, name: str) -> Iterator[bytes]:
        """Every record, in order."""
        return stream_records(stream, name, check=self.check)


@dataclass(frozen=True, kw_only=True, slots=True)
class JsonLines:
    """JSON lines; a sample is what a line holds."""

    def open(self, paths: Sequence[File], *, root: str, tolerate: bool) -> list[Shard]:
        """One shard a file."""
        return [shards.json_lines_shard(path, tolerate=tolerate) for path in paths]

    def stream(self, stream: BinaryIO, name: str) -> Iterator[Any]:
        """Line after line; behind one that is damaged it goes on."""
        return map(lambda row: shards.parse_json(row[1], name, row[0]), lines(stream, name, quoted=False))


@dataclass(frozen=True, kw_only=True, slots=True)
class Csv:
    """CSV whose first line names the columns; a sample is a mapping of names to text."""

    def open(self, paths: Sequence[File], *, root: str, tolerate: bool) -> list[Shard]:
        """One shard a file."""
        return _open_each(paths, partial(shards.csv_shard, tolerate=tolerate), tolerate=tolerate)

    def stream(self, stream: BinaryIO, name: str) -> Iterator[dict[str, str]]:
        """Line after line; behind one that is damaged it goes on."""
        names, rows = shards.csv_rows(stream, name)
        return map(lambda row: shards.parse_csv(names, row[1], name, row[0]), rows)


@dataclass(frozen=True, kw_only=True, slots=True)
class Files:
    """Plain files, each a sample: `__key__`, and its bytes under its extension."""

    def open(self, paths: Sequence[File], *, root: str, tolerate: bool) -> list[Shard]:
        """All files together are one shard."""
        return [shards.FilesShard(paths, root)]

    def stream(self, stream: BinaryIO, name: str) -> Iterator[Sample]:
        """The whole stream as one sample; a pipe does not say where files begin."""
        stem, extension = split_name(PurePosixPath(name).name)
        yield {"__key__": stem, extension: stream.read()}


@dataclass(frozen=True, kw_only=True, slots=True)
class Npy:
    """The rows of .npy files, mapped into memory."""

    def open(self, paths: Sequence[File], *, root: str, tolerate: bool) -> list[Shard]:
        """One shard a file."""
        return _open_each(paths, shards.ArrayShard, tolerate=tolerate)

    def stream(self, stream: BinaryIO, name: str) -> Iterator[Any]:
        """Not possible: an array is mapped and does not stream."""
        raise DataError(f"{name}: .npy cannot be streamed; use File or FastFile mode")


@dataclass(frozen=True, kw_only=True, slots=True)
class Tokens:
    """Tokens for language models: .npy, or raw whole numbers, mapped into memory; samples of block + 1 tokens."""

    block: int
    dtype: str = "uint16"

    def __post_init__(self) -> None:
        import numpy

        if self.block < 1:
            raise DataError(f"block is {self.block} and must be 1 or more tokens")
        try:
            is_whole = numpy.dtype(self.dtype).kind in "iu"
        except TypeError:
            is_whole = False
        if not is_whole:
            raise DataError(f"dtype is {self.dtype!r}: tokens are whole numbers, as uint16 or int32")

    def open(self, paths: Sequence[File], *, root: str, tolerate: bool) -> list[Shard]:
        """One shard a file."""
        return _open_each(paths, partial(shards.TokenShard, block=self.block, dtype=self.dtype), tolerate=tolerate)

    def stream(self, stream: BinaryIO, name: str) -> Iterator[Any]:
        """Window after window; the last token of one is the first of the next."""
        import numpy

        if name.endswith(".npy"):
            raise DataError(f"{name}: .npy cannot be streamed; use File or FastFile mode")
        dtype = numpy.dtype(self.dtype)
        held = stream.read((self.block + 1) * dtype.itemsize)
        while len(held) == (self.block + 1) * dtype.itemsize:
            yield own_copy(numpy.frombuffer(held, dtype))
            held = held[-dtype.itemsize :] + stream.read(self.block * dtype.itemsize)


THROUGH = (Tar, RecordIO, TFRecord, JsonLines, Csv)
"""Whose samples are only counted by reading all of them."""

_BY_SUFFIX: dict[str, Reader] = {
    ".tar": Tar(),
    ".jsonl": JsonLines(),
    ".ndjson": JsonLines(),
    ".csv": Csv(),
    ".npy": Npy(),
    ".rec": RecordIO(),
    ".recordio": RecordIO(),
    ".tfrecord": TFRecord(),
    ".tfrecords": TFRecord(),
    ".tfrec": TFRecord(),
}


_ROWS_WITHOUT_READER = {".parquet", ".orc", ".avro", ".arrow", ".feather", ".tsv", ".json", ".xlsx"}
_PACKINGS = ("gz", "bz2", "xz", "zst", "zip")


def guess(paths: Sequence[File], channel: str) -> Reader:
    """The format that the files' names say; plain files where they say nothing."""
    for path in paths:
        unpacked, _, packing = path.name.lower().rpartition(".")
        if packing == "tgz" or (packing in _PACKINGS and PurePosixPath(unpacked).suffix in _BY_SUFFIX):
            raise DataError(f"the channel {channel!r} holds {path.name}, which is compressed: {UNPACK}")
    kinds: dict[str, str] = {}
    for path in paths:
        kinds.setdefault(path.suffix.lower(), path.name)
    known = next((suffix for suffix in kinds if suffix in _BY_SUFFIX), None)
    if known is None:
        return Files()
    if len(kinds) > 1:
        names = ", ".join(list(kinds.values())[:8])
        raise DataError(
            f"the channel {channel!r} mixes {names}: keep one kind of file under its prefix, or say which reader takes "
            f"them all, as {_BY_SUFFIX[known]}"
        )
    return _BY_SUFFIX[known]


def choose(paths: Sequence[File], channel: str, *, rank: int) -> Reader:
    """What `guess` says; where that leaves rows as bytes, the first rank tells."""
    reader = guess(paths, channel)
    rows = sorted({path.suffix.lower() for path in paths} & _ROWS_WITHOUT_READER) if isinstance(reader, Files) else []
    if rows and rank == 0:
        say(
            f"channel {channel}: {', '.join(rows)}: no reader knows these, so each file is one sample, its bytes as "
            "they are; for rows make .csv, .jsonl or .tar of them, or say reader=Files()"
        )
    return reader


def _open_each(paths: Sequence[File], make: Callable[[File], Shard], *, tolerate: bool) -> list[Shard]:
    opened: list[Shard] = []
    for path in paths:
        try:
            opened.append(make(path))
        except ShardError as error:
            if not tolerate:
                raise
            opened.append(shards.Missing(error))
    return opened
