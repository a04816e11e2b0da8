"""Tensors in one file: a header that says what lies where, and then their bytes. The format is safetensors.

Any reader of that format opens such a file. It holds what one rank writes: where that is a piece of a tensor,
the header's own metadata says of which size the whole is and where in it the piece belongs.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from training.saves.storage import Storage

_LENGTH_BYTES = 8
_HEAD_BYTES = 1 << 16
"""What is read of a file at first: most headers are smaller, and in S3 each read is a request."""
_WHOLES = "shardyard.pieces"
"""The header's metadata about pieces: JSON of each one's name to the size of the whole and the piece's offsets."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """One tensor in a file, or one piece of a larger tensor."""

    dtype: str
    """The format's name of its numbers: `F32`, `BF16`, `I64`, ..."""
    shape: tuple[int, ...]
    whole: tuple[int, ...]
    """The shape of the tensor that this is a piece of; equal to `shape` where it is all of it."""
    offsets: tuple[int, ...]
    """Where in the whole the piece begins."""
    start: int
    """Where in the file its bytes begin; in a file that is being laid out, behind the header."""
    end: int


def encode_header(entries: Mapping[str, Entry]) -> bytes:
    """All of a file that comes before the tensors' bytes."""
    pieces = {name: [entry.whole, entry.offsets] for name, entry in entries.items() if entry.shape != entry.whole}
    header: dict[str, Any] = {"__metadata__": {_WHOLES: json.dumps(pieces)}} if pieces else {}
    for name, entry in entries.items():
        header[name] = {
            "dtype": entry.dtype,
            "shape": entry.shape,
            "data_offsets": [entry.start, entry.end],
        }
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % _LENGTH_BYTES)
    return len(text).to_bytes(_LENGTH_BYTES, "little") + text


def read_header(storage: Storage, name: str) -> dict[str, Entry]:
    """What a file holds, by name. Whoever calls has compared the file with its sha256."""
    head = storage.read(name, 0, _HEAD_BYTES)
    behind = _LENGTH_BYTES + int.from_bytes(head[:_LENGTH_BYTES], "little")
    if behind > len(head):
        head += storage.read(name, len(head), behind - len(head))
    header: dict[str, Any] = json.loads(head[_LENGTH_BYTES:behind])
    pieces = json.loads(header.pop("__metadata__", {}).get(_WHOLES, "{}"))
    entries = {}
    for tensor, found in header.items():
        shape = tuple(found["shape"])
        whole, offsets = pieces.get(tensor, (shape, (0,) * len(shape)))
        start, end = found["data_offsets"]
        entries[tensor] = Entry(
            dtype=found["dtype"],
            shape=shape,
            whole=tuple(whole),
            offsets=tuple(offsets),
            start=behind + start,
            end=behind + end,
        )
    return entries


def read_content(storage: Storage, name: str, entry: Entry) -> bytearray:
    """The bytes of one entry of a file."""
    return bytearray(storage.read(name, entry.start, entry.end - entry.start))
