"""Objects and uploads whose values are bodies on disk, in the place of moto's, which hold theirs in memory."""

import functools
import hashlib
import threading
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from typing import Any, ParamSpec, TypeVar

from moto.core.common_models import BaseModel
from moto.s3 import models, responses, utils
from moto.s3.exceptions import EntityTooSmall, InvalidPart, MalformedXML
from moto.s3.models import FakeKey, FakeMultipart, S3Backend
from moto.s3.responses import S3Response
from moto.settings import S3_UPLOAD_PART_MIN_SIZE

from embedded import moto_patches
from embedded.kept import parts
from embedded.services.s3.bodies import checksums
from embedded.services.s3.bodies.arrivals import BODY
from embedded.services.s3.bodies.files import Body

_P = ParamSpec("_P")
_R = TypeVar("_R")
_in_s3: ContextVar[bool] = ContextVar("in_s3", default=False)


def with_bodies(function: Callable[_P, _R]) -> Callable[_P, _R]:
    """Have a part of moto's S3 pass bodies on, where it would read an object whole."""

    @functools.wraps(function)
    def call(*args: _P.args, **kwargs: _P.kwargs) -> _R:
        token = _in_s3.set(True)
        try:
            return function(*args, **kwargs)
        finally:
            _in_s3.reset(token)

    return call


class StoredKey(FakeKey):  # type: ignore[misc]
    """An object, a version of one, or a part of an upload."""

    _etag: str | None

    def __init__(self, name: Any, value: "bytes | Body", **given: Any) -> None:
        super().__init__(name, b"", **given)
        # moto's own place for the value, which we leave empty
        self._value_buffer.close()
        del self._value_buffer
        self.value = value

    @property
    def value(self) -> "bytes | Body":
        """The bytes, for services that read an object whole: a function's code; S3 itself takes the body."""
        return self.body if _in_s3.get() else bytes(self.body)

    @value.setter
    def value(self, new: "bytes | Body") -> None:
        self.body = new if isinstance(new, Body) else Body.of(new)
        self.contentsize = len(self.body)

    @property
    def etag(self) -> str:
        """The entity tag, in quotes."""
        if self._etag is None:
            self._etag = self.body.find_md5()
        return f'"{self._etag}"'

    def dispose(self, garbage: bool = False) -> None:
        """Let go of the body; a download that still reads it keeps it. Events yet to be sent tell size and tag."""
        if not garbage:
            self._etag, self.body = self.etag.strip('"'), Body()

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name != "lock"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state, lock=threading.Lock())


class StoredMultipart(FakeMultipart):  # type: ignore[misc]
    """An upload in parts."""

    parts: dict[int, StoredKey]
    partlist: list[int]
    sizes: tuple[int, ...] = ()
    """The lengths of the parts that the object was made of, once it is complete."""

    def complete(self, body: Iterator[tuple[int, str]]) -> tuple[Body, str, tuple[str, str, int] | None]:
        """Put the parts together, without reading them; the upload forgets them."""
        parts: list[StoredKey] = []
        for number, etag in body:
            part = self.parts.get(number)
            if part is None or part.etag.strip('"') != etag.strip('"'):
                raise InvalidPart()
            if parts and parts[-1].size < S3_UPLOAD_PART_MIN_SIZE:
                raise EntityTooSmall()
            parts.append(part)
        if not parts:
            raise MalformedXML()
        hashes = b"".join(bytes.fromhex(part.etag.strip('"')) for part in parts)
        whole = Body.joined(part.body for part in parts)
        checksum = self._checksum([part.body for part in parts], whole)
        self.sizes, self.parts, self.partlist = tuple(part.size for part in parts), {}, []
        return whole, f"{hashlib.md5(hashes).hexdigest()}-{len(parts)}", checksum

    def _checksum(self, parts: list[Body], whole: Body) -> tuple[str, str, int] | None:
        algorithm = self.metadata.get("x-amz-checksum-algorithm")
        if algorithm is None:
            return None
        kind = self.metadata.get("x-amz-checksum-type", "FULL_OBJECT" if algorithm == "CRC64NVME" else "COMPOSITE")
        if kind == "FULL_OBJECT":
            found = whole.find_checksum(algorithm)
            return None if found is None else (kind, found, 1)
        told = [part.find_checksum(algorithm) for part in parts]
        known = [value for value in told if value is not None]
        return (kind, checksums.of_checksums(known, algorithm), len(parts)) if len(known) == len(parts) else None


def _untracked(cls: type[BaseModel], *_: Any, **__: Any) -> BaseModel:
    made: BaseModel = super(BaseModel, cls).__new__(cls)
    return made


def _checksum(body: "bytes | Body", algorithm: str, encode_base64: bool = True) -> bytes:
    if isinstance(body, Body):
        found = body.find_checksum(algorithm)
        return b"" if found is None else found.encode()
    known: bytes = _moto_checksum(body, algorithm, encode_base64)
    return known


def _set_up(self: S3Response, request: Any, full_url: str | None = None, headers: Any = None) -> None:
    _moto_set_up(self, request, full_url, headers)
    body = request.environ.pop(BODY, None)
    if body is not None:
        self.body = self.raw_body = body


def _copy_object(
    self: S3Backend, src_key: StoredKey, dest_bucket_name: str, dest_key_name: str, *options: Any, **more: Any
) -> None:
    """A copy is one piece, whatever its source was made of, and its checksum is that of the whole."""
    _moto_copy(self, src_key, dest_bucket_name, dest_key_name, *options, **more)
    made = self.get_bucket(dest_bucket_name).keys[dest_key_name]
    made.multipart = None
    if made.checksum_algorithm is not None and src_key.checksum_type == "COMPOSITE":
        made.checksum_value = made.body.find_checksum(made.checksum_algorithm)
        made.checksum_algorithm = None if made.checksum_value is None else made.checksum_algorithm


parts.keep_contents("s3.bucket_accounts", models.s3_backends.bucket_accounts)
_moto_copy = S3Backend.copy_object
_moto_checksum, _moto_set_up = utils.compute_checksum, S3Response.setup_class
_WHY = "moto keeps every value in memory, or a descriptor for it"
moto_patches.replace(models, "FakeKey", StoredKey, reason=_WHY)
moto_patches.replace(models, "FakeMultipart", StoredMultipart, reason=_WHY)
moto_patches.replace(S3Backend, "copy_object", _copy_object, reason="it keeps the checksum and the parts of the source")
for _name in ("copy_object", "upload_part_copy"):
    moto_patches.replace(
        S3Response, _name, with_bodies(getattr(S3Response, _name)), reason="it reads the whole source into memory"
    )
moto_patches.replace(S3Response, "setup_class", _set_up, reason="a body that has arrived is in a file")
moto_patches.replace(responses, "compute_checksum", _checksum, reason="a copy's checksum is computed from its file")
moto_patches.replace(
    BaseModel,
    "__new__",
    staticmethod(_untracked),
    reason="it keeps everything that was ever made, for a page of moto's",
)
