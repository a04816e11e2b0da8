"""TensorBoard's event files, written without TensorBoard: a scalar is some forty bytes."""

import math
import os
import socket
import struct
import time
from pathlib import Path

from training.data.tfrecord.records import record_of


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
        self._stream.write(record_of(b"\x09" + struct.pack("<d", now) + _field(3, b"brain.Event:2")))

    def add(self, step: int, values: dict[str, float]) -> None:
        """Append scalars of one step, and let readers see them."""
        for tag, value in values.items():
            self._stream.write(record_of(scalar_event(time.time(), step, tag, value)))
        self._stream.flush()

    def close(self) -> None:
        """No more scalars."""
        self._stream.close()
