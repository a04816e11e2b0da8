"""Input channels as datasets: `channel("train")`, whatever the input mode and the distribution."""

import os
from collections.abc import Mapping

from contract.world import World
from training.data.balance import Balance, Gather
from training.data.channel import Channel, resolve
from training.data.dataset import Dataset, Settings
from training.data.errors import DataError, ShardError
from training.data.readers import THROUGH, Csv, Files, JsonLines, Npy, Reader, RecordIO, Tar, TFRecord, Tokens, guess
from training.data.sharding import Equalise
from training.data.stream import Stream

__all__ = [
    "Balance",
    "Channel",
    "Csv",
    "DataError",
    "Dataset",
    "Files",
    "JsonLines",
    "Npy",
    "Reader",
    "RecordIO",
    "ShardError",
    "Stream",
    "TFRecord",
    "Tar",
    "Tokens",
    "World",
    "channel",
    "resolve",
]


def channel(
    name: str,
    reader: Reader | None = None,
    *,
    shuffle: bool = True,
    seed: int = 0,
    window: int | None = None,
    equalise: Equalise = "drop",
    skip_unreadable: bool = False,
    stream: bool | None = None,
    gather: Gather | None = None,
    world: World | None = None,
    environ: Mapping[str, str] = os.environ,
) -> Dataset | Stream:
    """This rank's part of a channel.

    FullyReplicated: the ranks divide the samples among all ranks. ShardedByS3Key: each node owns its files, and its
    local ranks divide those. `s3://bucket/prefix/` in place of the name is read straight from S3, divided among all
    ranks. The format is guessed from the files' names unless a `reader` is given. `stream` reads from beginning to
    end instead of in random access. By default Pipe mode streams, and FastFile and S3 with tar shards, RecordIO,
    JSON lines or CSV, whose samples could only be counted by reading all of them.
    """
    if isinstance(reader, type | str):
        raise DataError(f"reader is {reader!r}, and a reader is meant, as Tar() or Tokens(block=1024)")
    found = resolve(name, environ)
    settings = Settings(shuffle=shuffle, seed=seed, window=window, equalise=equalise, skip_unreadable=skip_unreadable)
    world = World.from_environ(environ) if world is None else world
    if stream is None:
        slow = found.mode == "FastFile" or found.prefix is not None
        stream = found.mode == "Pipe" or (slow and _reads_through(found, reader))
    if stream:
        return Stream(found, reader=reader, settings=settings, world=world, gather=gather)
    return Dataset(found, reader=reader, settings=settings, world=world, gather=gather)


def _reads_through(found: Channel, reader: Reader | None) -> bool:
    format_ = guess(found.sources(), found.name) if reader is None else reader
    return isinstance(format_, THROUGH)
