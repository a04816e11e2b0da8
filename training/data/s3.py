"""Objects in S3, read and written straight, by the client of s3torchconnector, which is an optional package.

Region, endpoint and credentials come from where AWS's own tools take them: a training job has all of them.
"""

import errno
import functools
import io
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any, BinaryIO

from contract.refusal import Refused

SCHEME = "s3://"
PACKAGE = "s3torchconnectorclient==1.5.0"
_AHEAD_BYTES = 1 << 20


class S3Unavailable(Refused):
    """S3 cannot be reached from here as asked; the message says what to install or to set."""


class S3Error(OSError):
    """S3 refused or failed; `strerror` is what the service said."""

    def __init__(self, uri: str, reason: str) -> None:
        super().__init__(errno.EIO, reason, uri)

    def __str__(self) -> str:
        return f"{self.filename}: {self.strerror}"


class S3Missing(S3Error, FileNotFoundError):
    """There is no such object."""


@dataclass(frozen=True, kw_only=True, slots=True)
class S3Object:
    """One object, with as much of a path's shape as the readers of files ask for."""

    uri: str
    size: int

    def __str__(self) -> str:
        return self.uri

    @property
    def name(self) -> str:
        """The part of the key behind the last slash."""
        return self.uri.rpartition("/")[2]

    @property
    def suffix(self) -> str:
        """The extension with its dot."""
        return PurePosixPath(self.name).suffix


def is_s3(location: object) -> bool:
    """Whether this is an address in S3 and not a path."""
    return str(location).startswith(SCHEME)


def split(uri: str) -> tuple[str, str]:
    """Bucket and key."""
    bucket, _, key = uri.removeprefix(SCHEME).partition("/")
    if not bucket:
        raise S3Unavailable(f"{uri!r} names no bucket: an address in S3 is s3://bucket/prefix")
    return bucket, key


@functools.cache
def client() -> Any:
    """The package's client, one for the process; it makes itself anew in a fork."""
    try:
        from training.data.s3_client import Client
    except ImportError as error:
        raise S3Unavailable(
            f"addresses in S3 need the package s3torchconnectorclient, which is not installed: add {PACKAGE} to the "
            f"image's requirements.txt, or `pip install {PACKAGE}`"
        ) from error
    region = os.environ.get("AWS_REGION", os.environ.get("AWS_DEFAULT_REGION"))
    if region is None:
        raise S3Unavailable("addresses in S3 need a region: set AWS_REGION (a training job has it)")
    endpoint = os.environ.get("AWS_ENDPOINT_URL_S3", os.environ.get("AWS_ENDPOINT_URL"))
    return Client(region, endpoint)


def is_in_use() -> bool:
    """Whether this process has a client, and with it native threads."""
    return client.cache_info().currsize > 0


@contextmanager
def _named(uri: str) -> Iterator[None]:
    """The package's errors as errors that name the object."""
    from s3torchconnectorclient import S3Exception  # the client is there, so the package is

    try:
        yield
    except S3Exception as error:
        said = str(error)
        kind = S3Missing if "key does not exist" in said or "object was not found" in said else S3Error
        # Of an answer that the client does not know it shows all; the service's own code and sentence are in it
        answer = re.search(r"<Code>(.*?)</Code><Message>(.*?)</Message>", said)
        raise kind(uri, said if answer is None else f"{answer[1]}: {answer[2]}") from error


def list_objects(prefix: str) -> list[S3Object]:
    """Every object whose key begins so, sorted by key, without the empty ones that only mark a folder."""
    bucket, key = split(prefix)
    reached, found = client(), []
    with _named(prefix):
        for page in reached.list_objects(bucket, key):
            found += [
                S3Object(uri=f"{SCHEME}{bucket}/{entry.key}", size=entry.size)
                for entry in page.object_info
                if not entry.key.endswith("/")
            ]
    return sorted(found, key=str)


def children(folder: str) -> list[str]:
    """The names directly below a folder: objects and folders."""
    bucket, key = split(folder)
    reached, found = client(), set()
    with _named(folder):
        for page in reached.list_objects(bucket, key, "/"):
            found |= {entry.key.removeprefix(key) for entry in page.object_info}
            found |= {prefix.removeprefix(key).rstrip("/") for prefix in page.common_prefixes}
    return sorted(found - {""})


def _chunks(uri: str, start: int | None, end: int | None) -> Iterator[bytes]:
    """What an object holds, or a part of it, piece by piece as it comes."""
    bucket, key = split(uri)
    reached = client()
    with _named(uri):
        yield from reached.get_object(bucket, key, start, end)


def read(uri: str, offset: int = 0, size: int | None = None) -> bytes:
    """A whole object, or at most this many bytes of it."""
    if size == 0:
        return b""
    if size is None and offset == 0:
        return b"".join(_chunks(uri, None, None))
    return b"".join(_chunks(uri, offset, None if size is None else offset + size))


def size_of(uri: str) -> int:
    """The size of an object in bytes."""
    reached = client()
    with _named(uri):
        return int(reached.head_object(*split(uri)).size)


class _Through(io.RawIOBase):
    """An object as a stream that is read once, from its beginning to its end."""

    def __init__(self, uri: str) -> None:
        self._chunks = _chunks(uri, None, None)
        self._held = memoryview(b"")
        self._passed = 0

    def readable(self) -> bool:
        """Always: there is nothing to write to."""
        return True

    def readinto(self, buffer: Any, /) -> int:
        """The next bytes, as many as there are at hand."""
        while not self._held:
            piece = next(self._chunks, None)
            if piece is None:
                return 0
            self._held = memoryview(piece)
        count = min(len(buffer), len(self._held))
        buffer[:count] = self._held[:count]
        self._held = self._held[count:]
        self._passed += count
        return count

    def tell(self) -> int:
        """How far it has been read."""
        return self._passed


def open_through(uri: str) -> io.BufferedReader:
    """An object as a buffered stream; nothing of it that has been read is kept."""
    return io.BufferedReader(_Through(uri), _AHEAD_BYTES)


@contextmanager
def create(uri: str) -> Iterator[BinaryIO]:
    """A new object, written piece by piece; it is there when the block ends well, and never half."""
    bucket, key = split(uri)
    reached = client()
    with _named(uri), reached.put_object(bucket, key) as stream:
        yield stream


def delete(uri: str) -> None:
    """Remove an object."""
    reached = client()
    with _named(uri):
        reached.delete_object(*split(uri))
