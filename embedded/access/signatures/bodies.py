"""Bodies that are checked while they stream: against one hash, or against the signature of each chunk."""

import hashlib
import re
from collections.abc import Callable
from typing import BinaryIO

from embedded.access.signatures.version4 import (
    EMPTY_SHA256,
    Fault,
    Signature,
    SignatureFault,
    same,
    sign,
    signing_key,
    timestamp,
)

SIGNED_CHUNKS = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"
SIGNED_CHUNKS_TRAILER = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER"
_UNCHECKED = frozenset({"UNSIGNED-PAYLOAD", "STREAMING-UNSIGNED-PAYLOAD-TRAILER"})

_LONGEST_CHUNK_LINE = 4096
_CHUNK_LINE = re.compile(rb"(?P<size>[0-9a-fA-F]{1,16});chunk-signature=(?P<signature>[0-9a-f]{64})")
_TRAILER_SIGNATURE = b"x-amz-trailer-signature:"


def checked_body(
    stream: BinaryIO, *, length: int | None, said: str | None, signature: Signature, secret: str
) -> "CheckedBody | None":
    """The stream with its check, or None where the signature says nothing of the body.

    Without a length the body ends where the stream does.
    """
    if said is None or said in _UNCHECKED:
        return None
    if said in (SIGNED_CHUNKS, SIGNED_CHUNKS_TRAILER):
        check = _Chunks(signature, secret, trailer=said == SIGNED_CHUNKS_TRAILER)
        return CheckedBody(stream, length=length, check=check)
    if said.startswith("STREAMING-"):
        raise SignatureFault(Fault.INCOMPLETE, f"x-amz-content-sha256 {said!r} is not supported here")
    return CheckedBody(stream, length=length, check=_WholeHash(said))


class CheckedBody:
    """A request's body that raises where its end is read and it is not what was signed."""

    def __init__(self, stream: BinaryIO, *, length: int | None, check: "_WholeHash | _Chunks") -> None:
        self._stream, self._left, self._check = stream, length, check
        if length == 0:
            check.end()

    def read(self, size: int = -1) -> bytes:
        """Read as a file does."""
        return self._checked(self._stream.read, size)

    def readline(self, size: int = -1) -> bytes:
        """Read a line as a file does."""
        return self._checked(self._stream.readline, size)

    def _checked(self, read: Callable[[int], bytes], size: int) -> bytes:
        wanted = size if self._left is None else self._left if size < 0 else min(size, self._left)
        if wanted == 0:
            return b""
        data = read(wanted)
        self._check.update(data)
        if self._left is not None:
            self._left -= len(data)
        if self._left == 0 or len(data) == 0 or (self._left is None and wanted < 0):
            self._left = 0
            self._check.end()
        return data


class _WholeHash:
    def __init__(self, said: str) -> None:
        self._said, self._hash = said, hashlib.sha256()

    def update(self, data: bytes) -> None:
        self._hash.update(data)

    def end(self) -> None:
        if not same(self._hash.hexdigest(), self._said):
            raise SignatureFault(
                Fault.PAYLOAD, "The provided 'x-amz-content-sha256' header does not match what was computed."
            )


class _Chunks:
    """Follows aws-chunked framing; each chunk's signature continues the one before it."""

    def __init__(self, signature: Signature, secret: str, *, trailer: bool) -> None:
        self._key = signing_key(secret, signature.day, signature.region, signature.service)
        self._head = [timestamp(signature.time), signature.scope]
        self._previous = signature.value
        self._trailer = trailer
        self._line = bytearray()
        self._left = 0
        """Bytes of the chunk still to come, its closing line break not counted."""
        self._said = ""
        self._hash = hashlib.sha256()
        self._last_seen = self._ended = False
        self._trailer_lines: list[bytes] = []

    def update(self, data: bytes) -> None:
        at = 0
        while at < len(data):
            if self._left > 0:
                piece = data[at : at + self._left]
                self._hash.update(piece)
                self._left -= len(piece)
                at += len(piece)
                if self._left == 0:
                    self._close_chunk()
                continue
            end = data.find(b"\n", at)
            stop = len(data) if end < 0 else end + 1
            self._line += data[at:stop]
            at = stop
            if len(self._line) > _LONGEST_CHUNK_LINE:
                raise _misframed("a line between chunks is too long")
            if end >= 0:
                line, self._line = bytes(self._line).rstrip(b"\r\n"), bytearray()
                self._take(line)

    def end(self) -> None:
        if not self._last_seen or (self._trailer and not self._ended):
            raise _misframed("the body ends before its last chunk")

    def _take(self, line: bytes) -> None:
        if self._last_seen:
            self._take_trailer(line)
        elif line:
            match = _CHUNK_LINE.fullmatch(line)
            if match is None:
                raise _misframed(f"{line[:80]!r} is no chunk's first line")
            self._left, self._said = int(match["size"], 16), match["signature"].decode()
            self._hash = hashlib.sha256()
            if self._left == 0:
                self._close_chunk()
                self._last_seen = True

    def _close_chunk(self) -> None:
        self._hold("AWS4-HMAC-SHA256-PAYLOAD", [EMPTY_SHA256, self._hash.hexdigest()], self._said)

    def _take_trailer(self, line: bytes) -> None:
        if not self._trailer or self._ended:
            if line:
                raise _misframed("there is something behind the last chunk")
        elif line.startswith(_TRAILER_SIGNATURE):
            text = b"".join(part + b"\n" for part in self._trailer_lines)
            said = line.removeprefix(_TRAILER_SIGNATURE).strip().decode(errors="replace")
            self._hold("AWS4-HMAC-SHA256-TRAILER", [hashlib.sha256(text).hexdigest()], said)
            self._ended = True
        elif line:
            self._trailer_lines.append(line)

    def _hold(self, kind: str, hashes: list[str], said: str) -> None:
        expected = sign(self._key, "\n".join([kind, *self._head, self._previous, *hashes]))
        if not same(expected, said):
            raise SignatureFault(
                Fault.MISMATCH,
                "The request signature we calculated does not match the signature you provided: "
                "a chunk of the body has another signature.",
            )
        self._previous = expected


def _misframed(why: str) -> SignatureFault:
    return SignatureFault(Fault.PAYLOAD, f"The body is not framed as its x-amz-content-sha256 says: {why}.")
