"""TensorBoard's event files, written without TensorBoard: a scalar is some forty bytes."""

import math
import os
import socket
import struct
import time
from pathlib import Path

_TABLE = []
for _index in range(256):
    _value = _index
    for _ in range(8):
        _value = (_value >> 1) ^ (0x82F63B78 if _value & 1 else 0)
    _TABLE.append(_value)


def masked_crc32c(data: bytes) -> int:
    """The checksum of TFRecord files: CRC-32C, rotated and offset."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc = (crc >> 8) ^ _TABLE[(crc ^ byte) & 0xFF]
    crc ^= 0xFFFFFFFF
    return (((crc >> 15) | (crc << 17)) + 0xA282EAD8) & 0xFFFFFFFF


def record(data: bytes) -> bytes:
    """One TFRecord: length, its checksum, the data, its checksum."""
    length = struct.pack("<Q", len(data))
    return length + struct.pack("<I", masked_crc32c(length)) + data + struct.pack("<I", masked_crc32c(data))


def scalar_event(wall_time: float, step: int, tag: str, value: float) -> bytes:
    """The protocol buffer of one scalar: Event{wall_time, step, summary{value{tag, simple_value}}}."""
    entry = _field(1, tag.encode()) + b"\x15" + _float32(value)
    return b"\x09" + struct.pack("<d", wall_time) + b"\x10" + _varint(step) + _field(5, _field(1, entry))


def _field(number: int, data: bytes) -> bytes:
    return _varint(number << 3 | 2) + _varint(len(data)) + data


def _float32(value: float) -> bytes:
    try:
        return struct.pack("<f", value)
    except OverflowError:
        return struct.pack("<f", math.copysign(math.inf, value))


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


class EventFile:
    """One file of scalars for TensorBoard."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        now = time.time()
        self._stream = (folder / f"events.out.tfevents.{int(now)}.{socket.gethostname()}.{os.getpid()}").open("wb")
        self._stream.write(record(b"\x09" + struct.pack("<d", now) + _field(3, b"brain.Event:2")))

    def add(self, step: int, values: dict[str, float]) -> None:
        """Append scalars of one step, and let readers see them."""
        for tag, value in values.items():
            self._stream.write(record(scalar_event(time.time(), step, tag, value)))
        self._stream.flush()

    def close(self) -> None:
        """No more scalars."""
        self._stream.close()
