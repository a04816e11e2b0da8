"""HTTP/1.1 as containers speak it: a request's head written, an answer's head read, its body read as it comes.

Written for requests that are a few hundred bytes long: http.client reads every head as if it were a mail, which took
longer than all else that the cloud does with an inference.
"""

import re
from collections.abc import Mapping
from typing import BinaryIO

_LINE_MOST = 1 << 16
_LINES_MOST = 200
_STATUS = re.compile(rb"HTTP/1\.([01]) (\d{3})(?: .*)?\r?\n")
_UNFIT = re.compile(r"[\x00\r\n]")
_SIZE = re.compile(rb"\s*([0-9A-Fa-f]{1,15})\s*(?:;.*)?\r?\n")
_WITHOUT_BODY = (204, 304)


class Broken(Exception):
    """The other side does not speak HTTP/1.1, or stopped in the middle of it."""


def head(method: str, path: str, headers: Mapping[str, str], length: int | None) -> bytes:
    """The head of a request; `length` is that of its body, None for one without."""
    lines = [f"{method} {path} HTTP/1.1", "Host: localhost:8080", "Accept-Encoding: identity"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    if length is not None:
        lines.append(f"Content-Length: {length}")
    if any(_UNFIT.search(line) for line in lines):
        raise ValueError(f"a header or the path of a request to {path!r} has a line's end in it")
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


class Response:
    """An answer whose head has been read; `read` gives its body."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        old, self.status = self._status_line()
        self.headers = self._read_headers()
        while 100 <= self.status < 200:
            # an interim answer: the real one follows
            old, self.status = self._status_line()
            self.headers = self._read_headers()
        said = self.headers.get("connection", "").lower()
        self.closes = "close" in said or (old and "keep-alive" not in said)
        self.is_chunked = "chunked" in self.headers.get("transfer-encoding", "").lower()
        self.left = self._length()
        """Bytes of the body, or of the chunk, that have not been read; None for one that ends with the connection."""

    def _status_line(self) -> tuple[bool, int]:
        line = self._line()
        found = _STATUS.fullmatch(line)
        if found is None:
            raise Broken(f"an answer cannot begin with {line[:80]!r}")
        return found[1] == b"0", int(found[2])

    def _length(self) -> int | None:
        if self.status in _WITHOUT_BODY:
            self.is_chunked = False
            return 0
        if self.is_chunked:
            return 0
        said = self.headers.get("content-length")
        if said is None:
            self.closes = True
            return None
        if not (said.isascii() and said.isdecimal()):
            raise Broken(f"Content-Length {said!r} is no number")
        return int(said)

    def _line(self) -> bytes:
        line = self._stream.readline(_LINE_MOST + 1)
        if not line.endswith(b"\n"):
            raise Broken("the connection was closed" if len(line) <= _LINE_MOST else "a line of the head is too long")
        return line

    def _read_headers(self) -> dict[str, str]:
        found: dict[str, str] = {}
        name = ""
        for _ in range(_LINES_MOST):
            line = self._line()
            if line in (b"\r\n", b"\n"):
                return found
            text = line.decode("latin-1")
            if text[0] in " \t" and name:
                found[name] += " " + text.strip()
                continue
            name, colon, value = text.partition(":")
            if not colon:
                raise Broken(f"the head has a line without a colon: {text[:80]!r}")
            name = name.strip().lower()
            found[name] = value.strip()
        raise Broken(f"the head has more than {_LINES_MOST} lines")

    def read(self, most: int) -> bytes:
        """What has come of the body, at most so many bytes; nothing at its end. Raises `Broken` where it ends early."""
        if self.is_chunked and self.left == 0 and not self._next_chunk():
            return b""
        if self.left == 0:
            return b""
        # mypy knows no read1 of a BinaryIO; every buffered stream has one
        data: bytes = self._stream.read1(most if self.left is None else min(most, self.left))  # type: ignore[attr-defined]
        if self.left is not None:
            if not data:
                raise Broken(f"the body ended {self.left} bytes early")
            self.left -= len(data)
            if self.is_chunked and self.left == 0:
                self._line()
        return data

    def _next_chunk(self) -> bool:
        """Read how long the next chunk is; after the last one, what follows it."""
        line = self._line()
        size = _SIZE.fullmatch(line)
        if size is None:
            raise Broken(f"a chunk cannot begin with {line[:80]!r}")
        self.left = int(size[1], 16)
        if self.left == 0:
            self._read_headers()
            self.is_chunked = False
        return self.left > 0
