"""S3's checksums, as far as the standard library computes them at the speed of a disk.

CRC32C and CRC64NVME are believed: a client that sends one has computed it, and Python would take minutes per gigabyte.
"""

import base64
import hashlib
import zlib
from collections.abc import Iterable
from typing import Any, Protocol

ALGORITHMS = ("CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256")


class Running(Protocol):
    """A checksum that grows with what it is given."""

    def update(self, data: bytes, /) -> None:
        """Take the next bytes."""

    def digest(self) -> bytes:
        """The checksum of what came so far."""


class _Crc32:
    def __init__(self) -> None:
        self._value = 0

    def update(self, data: bytes) -> None:
        self._value = zlib.crc32(data, self._value)

    def digest(self) -> bytes:
        return self._value.to_bytes(4, "big")


_COMPUTED: dict[str, Any] = {"CRC32": _Crc32, "SHA1": hashlib.sha1, "SHA256": hashlib.sha256}


def running(algorithm: str) -> Running | None:
    """A new checksum, or None where the client's word is taken."""
    made = _COMPUTED.get(algorithm)
    return None if made is None else made()


def of(chunks: Iterable[bytes], algorithm: str) -> str | None:
    """The checksum of some chunks in base64, or None where the client's word would be taken."""
    found = running(algorithm)
    if found is None:
        return None
    for chunk in chunks:
        found.update(chunk)
    return base64.b64encode(found.digest()).decode()


def of_checksums(parts: list[str], algorithm: str) -> str:
    """The composite checksum of an upload: the checksum of its parts' checksums."""
    data = b"".join(base64.b64decode(part) for part in parts)
    if algorithm == "CRC32C":
        return base64.b64encode(_crc32c(data).to_bytes(4, "big")).decode()
    found = of([data], algorithm)
    assert found is not None, "S3 makes composites of the others alone"
    return found


def _crc32c(data: bytes) -> int:
    """Castagnoli's polynomial, bit by bit: a few bytes per part of an upload."""
    value = 0xFFFFFFFF
    for byte in data:
        value ^= byte
        for _ in range(8):
            value = (value >> 1) ^ (0x82F63B78 if value & 1 else 0)
    return value ^ 0xFFFFFFFF
