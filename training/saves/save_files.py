"""The files of a save, hashed on their way."""

import hashlib
import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO

from training.saves.manifest import FileEntry
from training.saves.storage import Storage

_PIECE_BYTES = 1 << 20
"""Small enough that what has been hashed is still in the processor's cache when it is written."""


class SaveFiles:
    """What one rank writes into its folder."""

    def __init__(self, storage: Storage, folder: str) -> None:
        self._storage, self._folder = storage, folder
        self.written: dict[str, FileEntry] = {}
        """What has been written, by the file's own name."""

    @contextmanager
    def create(self, name: str) -> Iterator["Hashed"]:
        """A new file as a stream."""
        with self._storage.create(f"{self._folder}/{name}") as raw:
            stream = Hashed(raw)
            yield stream
        self.written[name] = FileEntry(bytes=stream.size, sha256=stream.sha256.hexdigest())


class Hashed(io.RawIOBase):
    """A stream that keeps count of what goes through it."""

    def __init__(self, raw: BinaryIO) -> None:
        self._raw = raw
        self.size = 0
        self.sha256 = hashlib.sha256()

    def writable(self) -> bool:
        """Always: a save is written once, from its beginning."""
        return True

    def write(self, data: Any, /) -> int:
        """Pass on, piece by piece."""
        view = memoryview(data)
        for start in range(0, len(view), _PIECE_BYTES):
            piece = view[start : start + _PIECE_BYTES]
            self.sha256.update(piece)
            self._raw.write(piece)
        self.size += len(view)
        return len(view)
