"""Bytes from files, pipes and S3: at a place, or one after the other, with errors that name file and offset."""

import os
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedReader, FileIO
from pathlib import Path
from typing import BinaryIO

from training.data import s3
from training.data.errors import UNPACK, ShardError

File = Path | s3.S3Object
"""Where samples are: as text, a path or an address that begins with s3://."""

_GZIP = b"\x1f\x8b"
_AHEAD_BYTES = 1 << 20
_MAX_OPEN = 256
_open_files: OrderedDict[str, "_Opened"] = OrderedDict()


def read_at(path: str, offset: int, size: int) -> bytes:
    """Exactly this many bytes from an offset; safe in forks and threads, since no file position is shared."""
    try:
        data = _read_some(path, offset, size)
        while len(data) < size:
            more = _read_some(path, offset + len(data), size - len(data))
            if not more:
                raise ShardError(path, offset + len(data), f"the file ends {size - len(data)} bytes too early")
            data += more
    except OSError as error:
        raise ShardError(path, offset, error.strerror or str(error)) from error
    return data


def _read_some(path: str, offset: int, size: int) -> bytes:
    return s3.read(path, offset, size) if path.startswith(s3.SCHEME) else _opened(path).read(offset, size)


def read_whole(path: str) -> bytes:
    """All of a file."""
    try:
        if path.startswith(s3.SCHEME):
            return s3.read(path)
        with open(path, "rb", buffering=0) as file:
            return file.read()
    except OSError as error:
        raise ShardError(path, 0, error.strerror or str(error)) from error


def open_through(path: str) -> BufferedReader:
    """A file as a stream that is read from its beginning to its end."""
    try:
        if path.startswith(s3.SCHEME):
            return s3.open_through(path)
        return BufferedReader(FileIO(path), _AHEAD_BYTES)
    except OSError as error:
        raise ShardError(path, 0, error.strerror or str(error)) from error


def file_size(path: Path | str) -> int:
    """The size of a file in bytes."""
    try:
        return s3.size_of(path) if isinstance(path, str) and s3.is_s3(path) else os.stat(path).st_size
    except OSError as error:
        raise ShardError(path, 0, error.strerror or str(error)) from error


def require_unpacked(beginning: bytes, path: str) -> None:
    """Refuse what gzip wrote, whatever its name says: as any format it would be damaged."""
    if beginning[: len(_GZIP)] == _GZIP:
        raise ShardError(path, 0, f"it is compressed: {UNPACK}")


def require_unpacked_file(path: str) -> None:
    """The same for random access."""
    require_unpacked(read_at(path, 0, min(len(_GZIP), file_size(path))), path)


class Walk:
    """A file from its beginning to its end, where skipping costs nothing."""

    def __init__(self, path: Path | str) -> None:
        self.path = str(path)
        self.offset = 0
        self._size = file_size(path)

    def at_end(self) -> bool:
        """Whether everything has been read or skipped."""
        return self.offset >= self._size

    def read(self, size: int) -> bytes:
        """The next bytes."""
        data = read_at(self.path, self.offset, size)
        self.offset += size
        return data

    def skip(self, size: int) -> None:
        """Pass over bytes; passing over the end is an error, since they were promised."""
        self.offset += size
        if self.offset > self._size:
            raise ShardError(self.path, self._size, f"the file ends {self.offset - self._size} bytes too early")


class Flow:
    """A file or pipe that is read once, from its beginning to its end, in large pieces."""

    def __init__(self, stream: BinaryIO, name: str) -> None:
        self.path = name
        self.offset = 0
        self._stream = stream
        self._ahead = b""

    def at_end(self) -> bool:
        """Whether the stream is over."""
        if not self._ahead:
            self._ahead = self._read(1)
        return not self._ahead

    def read(self, size: int) -> bytes:
        """The next bytes."""
        data = self._ahead + self._read(size - len(self._ahead)) if self._ahead else self._read(size)
        self._ahead = b""
        if len(data) < size:
            raise ShardError(self.path, self.offset + len(data), f"the stream ends {size - len(data)} bytes too early")
        self.offset += size
        return data

    def skip(self, size: int) -> None:
        """Read this many bytes and drop them."""
        while size > 0:
            size -= len(self.read(min(size, 1 << 20)))

    def _read(self, size: int) -> bytes:
        try:
            return self._stream.read(size)
        except OSError as error:
            raise ShardError(self.path, self.offset, error.strerror or str(error)) from error


Source = Walk | Flow


@contextmanager
def walk(path: str) -> Iterator[Source]:
    """A file from its beginning to its end. In S3 one request for all of it is faster than one per header."""
    if not path.startswith(s3.SCHEME):
        yield Walk(path)
        return
    with open_through(path) as stream:
        yield Flow(stream, path)


class _Opened:
    """An open file that closes with its last user, so that no thread reads from another's file."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def read(self, offset: int, size: int) -> bytes:
        """At most this many bytes from an offset."""
        return os.pread(self._descriptor, size, offset)

    def __del__(self) -> None:
        os.close(self._descriptor)


def _opened(path: str) -> _Opened:
    found = _open_files.get(path)
    if found is None:
        found = _open_files[path] = _Opened(os.open(path, os.O_RDONLY))
        if len(_open_files) > _MAX_OPEN:
            _open_files.popitem(last=False)
    return found
