"""What front and workers send each other: a number, a kind, and bytes, many frames to one system call."""

import struct
from collections.abc import Iterator, Mapping

_HEAD = struct.Struct("<IIB")
_META = struct.Struct("<HH")
HEAD_BYTES = _HEAD.size

READY, ASK, ASK_ALONE, ANSWER, START, CHUNK, END, CANCEL, DROPPED, FAILED, BROKEN = range(11)
"""READY: the worker has its model, and says what it can. FAILED: it will not have it.
ASK, ASK_ALONE: a request, the latter never together with others, since it was in a worker that died.
ANSWER: all of one. START, CHUNK, END: an answer in parts. BROKEN: such an answer cannot go on.
CANCEL: nobody waits for it any more. DROPPED: acknowledges that; the front would count the place as taken for ever."""


def pack(number: int, kind: int, payload: bytes = b"") -> bytes:
    """One frame."""
    return _HEAD.pack(number, len(payload), kind) + payload


def take(buffer: bytearray) -> Iterator[tuple[int, int, bytes]]:
    """Every whole frame at the head of a buffer, as (number, kind, payload); they are removed from it at the end."""
    at = 0
    available = len(buffer)
    while available - at >= HEAD_BYTES:
        number, length, kind = _HEAD.unpack_from(buffer, at)
        end = at + HEAD_BYTES + length
        if end > available:
            break
        yield number, kind, bytes(buffer[at + HEAD_BYTES : end])
        at = end
    if at:
        del buffer[:at]


def with_meta(code: int, fields: Mapping[str, str], body: bytes) -> bytes:
    """A payload: a number (an answer's status), short texts by name, and a body."""
    meta = "\n".join(f"{name}\t{value}" for name, value in fields.items()).encode()
    return _META.pack(code, len(meta)) + meta + body


def parts(payload: bytes) -> tuple[int, dict[str, str], bytes]:
    """What `with_meta` packed."""
    code, length = _META.unpack_from(payload)
    end = _META.size + length
    text = payload[_META.size : end].decode()
    fields = dict(line.split("\t", 1) for line in text.split("\n")) if text else {}
    return code, fields, payload[end:]
