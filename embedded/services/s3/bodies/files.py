"""Bodies: pieces of files that are written once and never change.

Copies, versions and completed uploads share the files of what they were made from; a file goes with its last body. No
descriptor stays open.
"""

import hashlib
import os
import threading
import uuid
import weakref
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from embedded.kept import parts
from embedded.services.s3.bodies import checksums

CHUNK_BYTES = 1 << 20


def folder() -> Path:
    """Where this cloud keeps the bodies of its objects."""
    return Path(os.environ.get("YARD_CLOUD_FOLDER", ".yard/cloud")) / "objects"


class File:
    """A file that is removed when nothing refers to it any more; what the process leaves at its end stays."""

    __slots__ = ("__weakref__", "name", "path")

    def __init__(self, name: str) -> None:
        self.name, self.path = name, folder() / name
        weakref.finalize(self, parts.remove, self.path).atexit = False
        _files[name] = self

    @classmethod
    def new(cls) -> "File":
        """A file that does not exist yet, in this cloud's folder."""
        folder().mkdir(mode=0o700, parents=True, exist_ok=True)
        return cls(uuid.uuid4().hex)

    @classmethod
    def named(cls, name: str) -> "File":
        """The file of this name: bodies that are read back share it as they did."""
        with _lock:
            known = _files.get(name)
            return cls(name) if known is None else known

    def __reduce__(self) -> Any:
        return File.named, (self.name,)


_files: "weakref.WeakValueDictionary[str, File]" = weakref.WeakValueDictionary()
_lock = threading.Lock()


@parts.afterwards
def sweep() -> None:
    """Remove the files that no object has: what arrived after the last snapshot."""
    if folder().exists():
        for path in folder().iterdir():
            if path.name not in _files:
                path.unlink()


@dataclass(frozen=True, kw_only=True, slots=True)
class Piece:
    """A part of a file."""

    file: File
    offset: int
    length: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Body:
    """The bytes of an object, or of a range of one, on disk."""

    pieces: tuple[Piece, ...] = ()
    md5: str | None = None
    """In hexadecimal, where it is known without reading."""

    checksums: Mapping[str, str] = field(default_factory=dict)
    """By algorithm, in base64: those that are known without reading."""

    @classmethod
    def of(cls, data: bytes) -> "Body":
        """Write bytes to a file of their own."""
        if not data:
            return cls()
        file = File.new()
        with open_new(file.path) as target:
            target.write(data)
        return cls(pieces=(Piece(file=file, offset=0, length=len(data)),), md5=hashlib.md5(data).hexdigest())

    @classmethod
    def joined(cls, bodies: Iterable["Body"]) -> "Body":
        """One body after another, without reading any."""
        return cls(pieces=tuple(piece for body in bodies for piece in body.pieces))

    def __len__(self) -> int:
        return sum(piece.length for piece in self.pieces)

    def __getitem__(self, wanted: slice) -> "Body":
        begin, end, _ = wanted.indices(len(self))
        pieces, at = [], 0
        for piece in self.pieces:
            first, last = max(begin - at, 0), min(end - at, piece.length)
            if first < last:
                pieces.append(Piece(file=piece.file, offset=piece.offset + first, length=last - first))
            at += piece.length
        return Body(pieces=tuple(pieces))

    def __iter__(self) -> Iterator[bytes]:
        for piece in self.pieces:
            with piece.file.path.open("rb", buffering=0) as source:
                source.seek(piece.offset)
                left = piece.length
                while left > 0:
                    chunk = source.read(min(CHUNK_BYTES, left))
                    if not chunk:
                        raise OSError(f"{piece.file.path} was cut short behind the cloud's back")
                    left -= len(chunk)
                    yield chunk

    def __bytes__(self) -> bytes:
        return b"".join(self)

    def __deepcopy__(self, _: Any) -> "Body":
        return self

    def find_md5(self) -> str:
        """The MD5 in hexadecimal, read from the files if need be."""
        if self.md5 is not None:
            return self.md5
        found = hashlib.md5()
        for chunk in self:
            found.update(chunk)
        return found.hexdigest()

    def find_checksum(self, algorithm: str) -> str | None:
        """A checksum in base64, read from the files if need be; None where only the client could compute it."""
        known = self.checksums.get(algorithm)
        return checksums.of(self, algorithm) if known is None else known


def open_new(path: Path) -> Any:
    """Open a file for its first and only writing; nobody but the owner reads it."""
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb", buffering=0)
