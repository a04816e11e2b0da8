"""Channels as nodes see them: which objects each host gets, under which names and in which order."""

import random
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from contract import places
from embedded.nodes.transfer import S3Object


class ChannelError(Exception):
    """A channel's data cannot be fetched; the message becomes the job's FailureReason."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Item:
    """One object of a channel."""

    bucket: str
    object: S3Object
    name: str
    """The path in the channel's folder."""


@dataclass(frozen=True, kw_only=True, slots=True)
class NodeChannel:
    """One channel of S3 objects, distributed over the hosts of a job."""

    folder: str
    """The folder as a node sees it, below /opt/ml; in Pipe mode its FIFOs are beside it, with _0, _1, ... behind it."""
    mode: str
    """File, FastFile or Pipe."""
    items: Mapping[str, tuple[Item, ...]]
    """The objects of each host; a host that is not listed does not have this channel."""
    lines: tuple[Mapping[str, Any], ...] = ()
    """The lines of an augmented manifest, instead of items."""
    attributes: tuple[str, ...] = ()
    """The attributes of each line to send, in this order."""
    record_io: bool = False
    """Whether to wrap each object or attribute in a RecordIO record (Pipe only)."""
    gzipped: bool = False
    """Whether to decompress the objects while streaming (Pipe only)."""
    shuffle_seed: int | None = None
    """The seed of the order, which changes with each epoch."""


def order(channel: NodeChannel, host: str, epoch: int) -> list[Item]:
    """The host's objects in the order of this epoch."""
    items = list(channel.items[host])
    if channel.shuffle_seed is not None:
        random.Random(channel.shuffle_seed + epoch).shuffle(items)
    return items


def local_name(prefix: str, key: str) -> str:
    """The path of an object in its channel's folder.

    Below a prefix that is a folder, it is the rest of the key. If the prefix is one object, or ends in the middle of a
    name (`data/part` for data/part-1), only the folder before it is cut off.
    """
    folder = prefix if prefix.endswith("/") or not prefix else prefix + "/"
    if key.startswith(folder):
        return key[len(folder) :]
    return key[prefix.rfind("/") + 1 :]


def refused(bucket: str, key: str, why: str) -> ChannelError:
    """The error about an object that cannot become a file."""
    return ChannelError(f"ClientError: Data download failed:Failed to download data. S3 key: s3://{bucket}/{key} {why}")


def check_name(bucket: str, key: str, name: str) -> None:
    """Refuse a key that cannot be a file's name, or whose file would lie outside its folder."""
    why = "has an illegal char sub-sequence '//' in it" if "//" in key else places.problem(name)
    if why is not None:
        raise refused(bucket, key, why)


def place(folder: Path, bucket: str, key: str, name: str) -> Path:
    """Where an object becomes a file in a folder of a node."""
    check_name(bucket, key, name)
    try:
        return places.below(folder, name)
    except places.MisplacedError as error:
        raise refused(bucket, key, f"({error})") from None
