"""tf.train.Example without TensorFlow: names to lists of bytes, floats or whole numbers."""

import struct
from collections.abc import Iterator, Mapping, Sequence

from contract.refusal import Refused

Feature = list[bytes] | list[float] | list[int]
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5


class NoExample(Refused):
    """Bytes that are no tf.train.Example."""


def parse_example(data: bytes) -> dict[str, Feature]:
    """What a record holds."""
    found: dict[str, Feature] = {}
    try:
        for features in _fields(data, 1):
            for entry in _fields(features, 1):
                name, value = b"", b""
                for number, content in _messages(entry):
                    name, value = (content, value) if number == 1 else (name, content)
                found[name.decode()] = _parse_feature(value)
    except (IndexError, struct.error, UnicodeDecodeError, ValueError) as error:
        raise NoExample(f"this record is no tf.train.Example: {error}") from error
    return found


def encode_example(features: Mapping[str, bytes | int | float | Sequence[int] | Sequence[float]]) -> bytes:
    """An Example of these features, each a list or a single value."""
    entries = b""
    for name, value in sorted(features.items()):
        entry = _message(1, name.encode()) + _message(2, _encode_feature(value))
        entries += _message(1, entry)
    return _message(1, entries)


def _encode_feature(value: bytes | int | float | Sequence[int] | Sequence[float]) -> bytes:
    if isinstance(value, bytes):
        return _message(1, _message(1, value))
    values = [value] if isinstance(value, int | float) else list(value)
    if all(isinstance(one, int) for one in values):
        return _message(3, _message(1, b"".join(_varint(int(one) & (1 << 64) - 1) for one in values)))
    return _message(2, _message(1, struct.pack(f"<{len(values)}f", *values)))


def _message(number: int, content: bytes) -> bytes:
    return _varint(number << 3 | _BYTES) + _varint(len(content)) + content


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def _parse_feature(data: bytes) -> Feature:
    for number, content in _messages(data):
        if number == 1:
            return [value for _, value in _messages(content)]
        if number == 2:
            return _parse_floats(content)
        if number == 3:
            return _parse_integers(content)
    return []


def _parse_floats(data: bytes) -> list[float]:
    found: list[float] = []
    for kind, content in _values(data):
        if kind == _BYTES:
            found += struct.unpack(f"<{len(content) // 4}f", content)
        else:
            found += struct.unpack("<f", content)
    return found


def _parse_integers(data: bytes) -> list[int]:
    found: list[int] = []
    place = 0
    while place < len(data):
        key, place = _read_varint(data, place)
        if key & 7 == _VARINT:
            value, place = _read_varint(data, place)
            found.append(_signed(value))
            continue
        length, place = _read_varint(data, place)
        behind = place + length
        while place < behind:
            value, place = _read_varint(data, place)
            found.append(_signed(value))
    return found


def _signed(value: int) -> int:
    return value - (1 << 64) if value >> 63 else value


def _fields(data: bytes, number: int) -> Iterator[bytes]:
    return (content for found, content in _messages(data) if found == number)


def _messages(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Fields that hold messages or bytes; others are passed over."""
    place = 0
    while place < len(data):
        key, place = _read_varint(data, place)
        kind = key & 7
        if kind == _BYTES:
            length, place = _read_varint(data, place)
            if place + length > len(data):
                raise ValueError("a field is longer than the record")
            yield key >> 3, data[place : place + length]
            place += length
        else:
            place = _skip(data, place, kind)


def _values(data: bytes) -> Iterator[tuple[int, bytes]]:
    """The numbers of a list of floats: packed, or one by one."""
    place = 0
    while place < len(data):
        key, place = _read_varint(data, place)
        kind = key & 7
        size = 4
        if kind == _BYTES:
            size, place = _read_varint(data, place)
        elif kind != _FIXED32:
            raise ValueError(f"a list of floats has a field of type {kind}")
        yield kind, data[place : place + size]
        place += size


def _skip(data: bytes, place: int, kind: int) -> int:
    if kind == _VARINT:
        return _read_varint(data, place)[1]
    if kind in (_FIXED64, _FIXED32):
        return place + (8 if kind == _FIXED64 else 4)
    raise ValueError(f"a field has the unknown type {kind}")


def _read_varint(data: bytes, place: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[place]
        value |= (byte & 0x7F) << shift
        place += 1
        if byte < 0x80:
            return value, place
        shift += 7
        if shift > 63:
            raise ValueError("a number has more than 64 bits")
