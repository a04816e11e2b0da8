"""A request's body on a connection that is kept: nobody may read past its end, and what is left of it is known."""

import io
from collections.abc import Iterable
from typing import IO, Any

from werkzeug.serving import DechunkedInput

CHUNK_BYTES = 1 << 16


class Body(io.RawIOBase):
    """A body of so many bytes."""

    def __init__(self, stream: IO[bytes], length: int) -> None:
        self._stream, self.left = stream, length

    def readable(self) -> bool:
        return True

    def read(self, size: int | None = -1) -> bytes:
        """So many bytes, or all that is left; fewer only where the caller has gone."""
        wanted = self.left if size is None or size < 0 else min(size, self.left)
        data = self._stream.read(wanted) if wanted else b""
        self.left -= len(data)
        return data

    def readall(self) -> bytes:
        return self.read()

    def readinto(self, buffer: Any) -> int:
        view = memoryview(buffer).cast("B")
        data = self.read(len(view))
        view[: len(data)] = data
        return len(data)

    def readline(self, size: int | None = -1) -> bytes:
        wanted = self.left if size is None or size < 0 else min(size, self.left)
        data = self._stream.readline(wanted) if wanted else b""
        self.left -= len(data)
        return data

    def readlines(self, hint: int | None = -1) -> list[bytes]:
        return list(iter(self.readline, b""))

    def writelines(self, lines: Iterable[Any]) -> None:
        raise io.UnsupportedOperation("a request's body is read")


class Chunked(DechunkedInput):
    """A body in chunks, whose length nobody knows before its end."""

    @property
    def has_ended(self) -> bool:
        """Whether the last chunk was read."""
        return bool(self._done)


def drained(body: Body | Chunked, most: int) -> bool:
    """Whether a body has been read to its end, after reading at most so many more bytes of it."""
    try:
        while not is_at_end(body) and most > 0:
            data = body.read(min(CHUNK_BYTES, most))
            if not data:
                break
            most -= len(data)
    except (OSError, ValueError):
        return False
    return is_at_end(body)


def is_at_end(body: Body | Chunked) -> bool:
    """Whether the next byte on the connection is another request's."""
    return body.has_ended if isinstance(body, Chunked) else body.left == 0
