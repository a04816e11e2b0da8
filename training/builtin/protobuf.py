"""Records of `application/x-recordio-protobuf`: RecordIO frames, each with a `Record` of protocol buffers.

Read and written by hand, since a tensor of numbers and its keys are all that the algorithms know. The message's fields,
by number: Record: 1 features, 2 label, both maps of names to Values; Value: 2 floats, 3 doubles, 7 integers; a tensor:
1 values, 2 keys (of a sparse one), 3 shape, all packed.
"""

import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

_MAGIC = 0xCED7230A
_LENGTH_MASK = (1 << 29) - 1
_VARINT, _EIGHT, _BYTES, _FOUR = 0, 1, 2, 5
_FLOATS, _DOUBLES, _INTEGERS = 2, 3, 7
_KINDS = {_FLOATS: "<f4", _DOUBLES: "<f8"}


class DamagedRecord(Exception):
    """The bytes are no such record; the message says where."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Tensor:
    """Numbers, and where they stand in a sparse row."""

    values: NDArray[Any]
    keys: NDArray[Any] | None
    width: int


def records(data: bytes) -> Iterator[tuple[Tensor, Tensor | None]]:
    """The features `values` of each record, and its label."""
    for start, record in _frames(data):
        try:
            found = {1: _entries(record, 1), 2: _entries(record, 2)}
            if "values" not in found[1]:
                raise DamagedRecord("it has no feature `values`")
            yield _tensor(found[1]["values"]), _tensor(found[2]["values"]) if "values" in found[2] else None
        except (DamagedRecord, IndexError, ValueError, struct.error) as error:
            raise DamagedRecord(f"the record at byte {start} cannot be read: {error}") from error


def to_matrix(tensors: Sequence[Tensor]) -> NDArray[Any]:
    """Rows as wide as the widest; what a sparse one leaves out is 0."""
    matrix = np.zeros((len(tensors), max(tensor.width for tensor in tensors)))
    for index, tensor in enumerate(tensors):
        places = np.arange(len(tensor.values)) if tensor.keys is None else tensor.keys
        if len(places) != len(tensor.values) or (len(places) and places.max() >= matrix.shape[1]):
            raise DamagedRecord(f"record {index + 1} has values and keys that do not fit its shape")
        matrix[index, places] = tensor.values
    return matrix


def packed(labels: Mapping[str, Sequence[float]]) -> bytes:
    """A frame with a record of these labels, 32 bits a number, as the algorithms answer."""
    content = b""
    for name, values in labels.items():
        tensor = _field(1, struct.pack(f"<{len(values)}f", *values))
        content += _field(2, _field(1, name.encode()) + _field(2, _field(_FLOATS, tensor)))
    return struct.pack("<II", _MAGIC, len(content)) + content + bytes(-len(content) % 4)


def _field(number: int, content: bytes) -> bytes:
    length, size = len(content), bytearray()
    while length >= 0x80:
        size.append(length & 0x7F | 0x80)
        length >>= 7
    return bytes([number << 3 | _BYTES, *size, length]) + content


def _frames(data: bytes) -> Iterator[tuple[int, bytes]]:
    place = 0
    parts: list[bytes] = []
    while place < len(data):
        if len(data) - place < 8:
            raise DamagedRecord(f"the frame at byte {place} is cut off")
        magic, word = struct.unpack_from("<II", data, place)
        length, part = word & _LENGTH_MASK, word >> 29
        if magic != _MAGIC or place + 8 + length > len(data):
            raise DamagedRecord(f"there is no whole RecordIO frame at byte {place}")
        parts.append(data[place + 8 : place + 8 + length])
        # 0 is a whole record, 3 the last part of one that was cut at the magic number
        if part in (0, 3):
            yield place, struct.pack("<I", _MAGIC).join(parts)
            parts = []
        place += 8 + (length + 3 & -4)
    if parts:
        raise DamagedRecord("the last record begins and does not end")


def _fields(data: bytes) -> Iterator[tuple[int, int, Any]]:
    """Each field's number, its wire type and its content."""
    place = 0
    while place < len(data):
        key, place = _varint(data, place)
        number, kind = key >> 3, key & 7
        if kind == _VARINT:
            value, place = _varint(data, place)
            yield number, kind, value
            continue
        if kind == _BYTES:
            length, place = _varint(data, place)
        elif kind in (_EIGHT, _FOUR):
            length = 8 if kind == _EIGHT else 4
        else:
            raise DamagedRecord(f"a field has the unknown wire type {kind}")
        if place + length > len(data):
            raise DamagedRecord("a field is cut off")
        yield number, kind, data[place : place + length]
        place += length


def _varint(data: bytes, place: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[place]
        place += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, place
        shift += 7


def _entries(record: bytes, wanted: int) -> dict[str, bytes]:
    """The entries of one of the record's maps."""
    found = {}
    for number, kind, content in _fields(record):
        if number == wanted and kind == _BYTES:
            entry = {key: value for key, _, value in _fields(content)}
            found[bytes(entry.get(1, b"")).decode()] = bytes(entry.get(2, b""))
    return found


def _tensor(value: bytes) -> Tensor:
    for number, _, content in _fields(value):
        if number in _KINDS or number == _INTEGERS:
            parts: dict[int, list[Any]] = {1: [], 2: [], 3: []}
            for field, kind, piece in _fields(content):
                if field in parts:
                    parts[field].append(_numbers(field, kind, piece, number))
            values, keys, shape = (np.concatenate(part) if part else np.array([]) for part in parts.values())
            width = int(shape[-1]) if len(shape) else len(values)
            return Tensor(values=values, keys=keys.astype(int) if len(keys) else None, width=width)
    raise DamagedRecord("its value is no tensor of numbers")


def _numbers(field: int, kind: int, piece: Any, tensor: int) -> NDArray[Any]:
    """Packed, or one by one."""
    if kind == _VARINT:
        return np.array([piece])
    if field == 1 and tensor in _KINDS:
        return np.frombuffer(piece, dtype=_KINDS[tensor])
    found, place = [], 0
    while place < len(piece):
        value, place = _varint(piece, place)
        found.append(value)
    return np.array(found)
