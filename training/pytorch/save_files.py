"""A place as torch.distributed.checkpoint sees it: what is written is hashed on its way."""

import hashlib
import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from torch.distributed.checkpoint.filesystem import FileSystemBase

from training.pytorch.manifest import FileEntry
from training.pytorch.places import Place

ReadSlice = Callable[[int, int], bytes]
"""Offset and size to bytes."""


class SaveFiles(FileSystemBase):
    """The files of one place, for torch's readers and writers; paths are the place's own names."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self.written: dict[str, FileEntry] = {}
        """What has been written, by the file's own name."""

    @contextmanager
    def create_stream(self, path: Any, mode: str) -> Iterator[Any]:
        """A new file as a stream, or a function that reads slices of an old one."""
        if mode == "rb":
            yield partial(self._place.read, path)
            return
        with self._place.create(path) as raw:
            stream = Hashed(raw)
            yield stream
        self.written[_own_name(path)] = FileEntry(bytes=stream.tell(), sha256=stream.sha256.hexdigest())

    def concat_path(self, path: Any, suffix: str) -> str:
        """A name in a folder."""
        return f"{path}/{suffix}"

    def rename(self, path: Any, new_path: Any) -> None:
        """Torch writes its metadata under another name first."""
        self._place.rename(path, new_path)
        self.written[_own_name(new_path)] = self.written.pop(_own_name(path))

    def init_path(self, path: Any) -> str:
        """As it is."""
        return str(path)

    def mkdir(self, path: Any) -> None:
        """The store has made it."""

    @classmethod
    def validate_checkpoint_id(cls, checkpoint_id: Any) -> bool:
        """Nobody asks: the place is given."""
        return True

    def exists(self, path: Any) -> bool:
        """A save's folder is new, so nothing that is to be written is there."""
        return False

    def rm_file(self, path: Any) -> None:
        """Remove a file."""
        self._place.remove(path)


class Hashed(io.RawIOBase):
    """A stream that keeps count of what goes through it."""

    def __init__(self, raw: Any) -> None:
        self._raw, self._size = raw, 0
        self.sha256 = hashlib.sha256()

    def writable(self) -> bool:
        """It is."""
        return True

    def write(self, data: Any, /) -> int:
        """Pass on."""
        self.sha256.update(data)
        self._raw.write(data)
        self._size += len(data)
        return len(data)

    def tell(self) -> int:
        """How many bytes have gone through."""
        return self._size


def _own_name(path: str) -> str:
    return path.rpartition("/")[2]
