"""Amazon's event streams: an answer that comes in parts is written part by part, as its service's model says."""

import json
import struct
import zlib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

CONTENT_TYPE = "application/vnd.amazon.eventstream"
_STRING = 7


def message(headers: Mapping[str, str], payload: bytes) -> bytes:
    """One message: lengths, their checksum, headers, payload, the checksum of it all."""
    packed = b"".join(
        struct.pack("!B", len(name)) + name.encode() + struct.pack("!BH", _STRING, len(value.encode())) + value.encode()
        for name, value in headers.items()
    )
    start = struct.pack("!II", 16 + len(packed) + len(payload), len(packed))
    whole = start + struct.pack("!I", zlib.crc32(start)) + packed + payload
    return whole + struct.pack("!I", zlib.crc32(whole))


def encoded(shape: Any, events: Iterable[Mapping[str, Any]]) -> Iterator[bytes]:
    """Events of a stream's shape, each `{name: members}`, as they come: exceptions are told as such."""
    for event in events:
        ((name, members),) = event.items()
        kind = shape.members[name]
        if kind.metadata.get("exception"):
            headers = {":message-type": "exception", ":exception-type": name, ":content-type": "application/json"}
            yield message(headers, json.dumps(members).encode())
            continue
        headers = {":message-type": "event", ":event-type": name}
        payload = next((one for one, member in kind.members.items() if member.serialization.get("eventpayload")), None)
        if payload is None:
            yield message(headers | {":content-type": "application/json"}, json.dumps(members).encode())
        else:
            yield message(headers | {":content-type": "application/octet-stream"}, members[payload])
