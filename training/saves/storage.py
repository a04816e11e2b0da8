"""Where checkpoints are kept: a folder of this node, or a prefix in S3. Both know files by names with slashes."""

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import BinaryIO, Protocol

from contract.variables import CHECKPOINT_DIR
from training.data import s3
from training.saves.unfit import Unfit


class Storage(Protocol):
    """Files below one root."""

    is_shared: bool
    """Whether every node sees the same files."""

    def prepare(self) -> None:
        """Be ready for files; Unfit says why that cannot be."""

    def children(self, below: str) -> list[str]:
        """The names of files and folders directly below a folder; none when there is no such folder."""

    def read(self, name: str, offset: int = 0, size: int | None = None) -> bytes:
        """A file, or its first bytes."""

    def open(self, name: str) -> BinaryIO:
        """A file as a stream that is read from its beginning to its end."""

    def make_folder(self, name: str) -> None:
        """Claim a folder that nothing is in; FileExistsError when something is."""

    def create(self, name: str) -> AbstractContextManager[BinaryIO]:
        """Open a new file for writing."""

    def write_whole(self, name: str, data: bytes) -> None:
        """Write a whole file or nothing: a reader sees the old content or the new."""

    def remove(self, name: str) -> None:
        """Remove a file, or a folder with all that is in it; what is gone already is no error."""


def storage_at(location: Path | str) -> Storage:
    """A folder, or a prefix in S3 where the location begins with s3://."""
    return Bucket(str(location)) if s3.is_s3(location) else Folder(Path(location))


class Folder:
    """A folder of this node."""

    is_shared = False

    def __init__(self, path: Path) -> None:
        self._path = path

    def prepare(self) -> None:
        """Make the root, and see that it can be written."""
        try:
            self._path.mkdir(parents=True, exist_ok=True)
            if not os.access(self._path, os.W_OK):
                raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        except OSError as error:
            raise Unfit(
                f"checkpoints cannot be kept in {self._path}: {error.strerror}; {CHECKPOINT_DIR} names another folder"
            ) from error

    def children(self, below: str) -> list[str]:
        """What is directly below a folder."""
        try:
            return sorted(os.listdir(self._path / below))
        except (FileNotFoundError, NotADirectoryError):
            return []

    def read(self, name: str, offset: int = 0, size: int | None = None) -> bytes:
        """A file or a part of it."""
        with (self._path / name).open("rb") as stream:
            stream.seek(offset)
            return stream.read(-1 if size is None else size)

    def open(self, name: str) -> BinaryIO:
        """A file as a stream."""
        return (self._path / name).open("rb")

    def make_folder(self, name: str) -> None:
        """Make a folder that must not exist yet."""
        (self._path / name).mkdir(parents=True)

    def create(self, name: str) -> AbstractContextManager[BinaryIO]:
        """Open a new file for writing."""
        return (self._path / name).open("wb")

    def write_whole(self, name: str, data: bytes) -> None:
        """Through a temporary file.

        Nothing is flushed to the disk itself: a process that dies loses nothing that the kernel has, a machine that
        dies takes its disk along, and what is missing after all does not match its sha256. Flushing would cost most of
        a save.
        """
        path = self._path / name
        temporary = path.with_name(f".{path.name}.tmp")
        temporary.write_bytes(data)
        os.replace(temporary, path)

    def remove(self, name: str) -> None:
        """A file or a whole folder."""
        path = self._path / name
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


class Bucket:
    """A prefix in S3, which all nodes share."""

    is_shared = True

    def __init__(self, uri: str) -> None:
        self._uri = uri.rstrip("/")

    def prepare(self) -> None:
        """See that S3 can be asked; whether the bucket may be written is seen at the first save."""
        try:
            s3.split(self._uri)
            s3.client()
        except s3.S3Unavailable as error:
            raise Unfit(f"checkpoints cannot be kept in {self._uri}: {error}") from error

    def children(self, below: str) -> list[str]:
        """What is directly below a folder."""
        return s3.children(self._at(below).rstrip("/") + "/")

    def read(self, name: str, offset: int = 0, size: int | None = None) -> bytes:
        """An object or a part of it."""
        return s3.read(self._at(name), offset, size)

    def open(self, name: str) -> BinaryIO:
        """An object as a stream."""
        return s3.open_through(self._at(name))

    def make_folder(self, name: str) -> None:
        """S3 has no folders, so only what is there already can be in the way."""
        if self.children(name):
            raise FileExistsError(f"{self._at(name)} holds a save already: does another job write the same run?")

    @contextmanager
    def create(self, name: str) -> Iterator[BinaryIO]:
        """A new object, which is there when the block has ended well."""
        with s3.create(self._at(name)) as stream:
            yield stream

    def write_whole(self, name: str, data: bytes) -> None:
        """An object is never there half."""
        with s3.create(self._at(name)) as stream:
            stream.write(data)

    def remove(self, name: str) -> None:
        """An object, or all below a prefix."""
        for found in s3.list_objects(self._at(name)):
            if found.uri == self._at(name) or found.uri.startswith(self._at(name) + "/"):
                s3.delete(found.uri)

    def _at(self, name: str) -> str:
        return f"{self._uri}/{name}"
