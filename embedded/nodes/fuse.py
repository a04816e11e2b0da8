"""The part of Linux's FUSE protocol (version 7.31) that a read-only file system needs."""

import errno
import os
import stat
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum

BUFFER_BYTES = 1 << 17
ROOT_ID = 1
_VERSION = (7, 31)
_READ_AHEAD_BYTES = 1 << 20
_MAX_PAGES = 256
_ASYNC_READ, _MAX_PAGES_FLAG = 1 << 0, 1 << 22
_KEEP_CACHE = 1 << 1
_FOR_EVER_SECONDS = 86400
_BLOCK_BYTES = 4096

_IN_HEADER = struct.Struct("<IIQQIIIHH")
_OUT_HEADER = struct.Struct("<IiQ")
_INIT_OUT = struct.Struct("<IIIIHHIIHHI7I")
_ATTRIBUTES = struct.Struct("<6Q10I")
_ENTRY_OUT = struct.Struct("<QQQQII")
_ATTRIBUTES_OUT = struct.Struct("<QII")
_OPEN_OUT = struct.Struct("<QIi")
_READ_IN = struct.Struct("<QQII")
_STATFS_OUT = struct.Struct("<5Q4I6I")
_DIRENT = struct.Struct("<QQII")


class Operation(IntEnum):
    """The supported requests; all others get ENOSYS."""

    LOOKUP = 1
    FORGET = 2
    GETATTR = 3
    OPEN = 14
    READ = 15
    STATFS = 17
    RELEASE = 18
    FLUSH = 25
    INIT = 26
    OPENDIR = 27
    READDIR = 28
    RELEASEDIR = 29
    INTERRUPT = 36
    DESTROY = 38
    BATCH_FORGET = 42


WITHOUT_ANSWER = (Operation.FORGET, Operation.BATCH_FORGET, Operation.INTERRUPT, Operation.DESTROY)


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """A request from the kernel."""

    operation: int
    """Which."""
    unique: int
    """The request's number, which the answer repeats."""
    node: int
    """The inode of the file or folder."""
    body: bytes
    """The operation's own data."""


@dataclass(kw_only=True, slots=True)
class Node:
    """A file or a folder."""

    id: int
    """Its inode number."""
    size_bytes: int = 0
    """A file's size."""
    children: dict[str, "Node"] | None = None
    """A folder's entries; None for a file."""
    key: object = field(default=None)
    """The key to its content."""


def parse(message: bytes) -> Request:
    """Parse a message from the kernel."""
    _, operation, unique, node, *_ = _IN_HEADER.unpack_from(message)
    return Request(operation=operation, unique=unique, node=node, body=message[_IN_HEADER.size :])


def answer(request: Request, body: bytes = b"", error: int = 0) -> bytes:
    """The message that answers a request."""
    return _OUT_HEADER.pack(_OUT_HEADER.size + len(body), -error, request.unique) + body


def init_out(request: Request) -> bytes:
    """Agree on the protocol: large reads, several at a time."""
    read_ahead = min(struct.unpack_from("<III", request.body)[2], _READ_AHEAD_BYTES)
    flags = _ASYNC_READ | _MAX_PAGES_FLAG
    return _INIT_OUT.pack(*_VERSION, read_ahead, flags, 16, 12, _BLOCK_BYTES, 1, _MAX_PAGES, 0, 0, *[0] * 7)


def entry_out(node: Node) -> bytes:
    """The answer to LOOKUP. Nothing ever changes, so the kernel may cache it for a day."""
    return _ENTRY_OUT.pack(node.id, 0, _FOR_EVER_SECONDS, _FOR_EVER_SECONDS, 0, 0) + _attributes(node)


def attributes_out(node: Node) -> bytes:
    """The answer to GETATTR."""
    return _ATTRIBUTES_OUT.pack(_FOR_EVER_SECONDS, 0, 0) + _attributes(node)


def open_out() -> bytes:
    """The answer to OPEN and OPENDIR; cached pages stay valid."""
    return _OPEN_OUT.pack(0, _KEEP_CACHE, 0)


def statfs_out(nodes: Mapping[int, Node]) -> bytes:
    """The answer to STATFS: no free space."""
    blocks = sum(node.size_bytes for node in nodes.values()) // _BLOCK_BYTES
    return _STATFS_OUT.pack(blocks, 0, 0, len(nodes), 0, _BLOCK_BYTES, 255, _BLOCK_BYTES, 0, *[0] * 6)


def read_in(request: Request) -> tuple[int, int]:
    """The offset and the size of a READ or READDIR."""
    _, offset, size, _ = _READ_IN.unpack_from(request.body)
    return offset, size


def name_in(request: Request) -> str:
    """The name of a LOOKUP."""
    return os.fsdecode(request.body.rstrip(b"\0"))


def entries(folder: Node, offset: int, size: int) -> bytes:
    """The answer to READDIR: the entries from `offset` on that fit into `size` bytes."""
    if folder.children is None:
        raise OSError(errno.ENOTDIR, "not a folder")
    listed = [(".", folder), ("..", folder), *folder.children.items()]
    packed = b""
    for index, (name, node) in enumerate(listed[offset:], start=offset + 1):
        raw = os.fsencode(name)
        kind = (stat.S_IFREG if node.children is None else stat.S_IFDIR) >> 12
        entry = _DIRENT.pack(node.id, index, len(raw), kind) + raw
        entry += b"\0" * (-len(entry) % 8)
        if len(packed) + len(entry) > size:
            break
        packed += entry
    return packed


def _attributes(node: Node) -> bytes:
    is_file = node.children is None
    mode = stat.S_IFREG | 0o444 if is_file else stat.S_IFDIR | 0o555
    blocks = -(-node.size_bytes // 512)
    times = [0] * 3
    return _ATTRIBUTES.pack(
        node.id, node.size_bytes, blocks, *times, *times, mode, 1 if is_file else 2, 0, 0, 0, _BLOCK_BYTES, 0
    )
