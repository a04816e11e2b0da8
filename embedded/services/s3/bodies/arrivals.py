"""How a body comes in: straight to its file, while its checksums are computed and held against what the client said."""

import base64
import binascii
import hashlib
import io
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, BinaryIO, cast

from moto.core.request import Request
from werkzeug.exceptions import ClientDisconnected
from werkzeug.wsgi import get_input_stream

from embedded.operations import ServiceError, arrival
from embedded.services.s3.bodies import checksums
from embedded.services.s3.bodies.files import CHUNK_BYTES, Body, File, Piece, open_new

BODY = "yard.s3_body"
"""Where a request's environment keeps its body once it has arrived."""

_SHA256 = "HTTP_X_AMZ_CONTENT_SHA256"
_DECODED_LENGTH = "HTTP_X_AMZ_DECODED_CONTENT_LENGTH"
_ALGORITHM = "HTTP_X_AMZ_SDK_CHECKSUM_ALGORITHM"


@arrival("s3", "PutObject", "UploadPart")
def take(request: Request) -> None:
    """Write the request's body to a file, and leave the request without one: moto is given the file."""
    environ: dict[str, Any] = request.environ
    stream = io.BufferedReader(cast(io.RawIOBase, get_input_stream(environ)), CHUNK_BYTES)
    trailers: dict[str, str] = {}
    said = environ.get(_SHA256, "")
    chunks = _unframed(stream, trailers) if said.startswith("STREAMING-") else _plain(stream)
    arriving = _Arriving(algorithm=_algorithm(environ))
    try:
        body = arriving.write(chunks)
    except ClientDisconnected:
        raise _incomplete() from None
    if len(body) != int(environ.get(_DECODED_LENGTH, len(body))):
        raise _incomplete()
    _hold_md5(environ.get("HTTP_CONTENT_MD5"), arriving.md5.digest())
    _tell_checksum(environ, arriving, trailers)
    environ[BODY] = arriving.known(body)
    # what is left for moto to read is empty, and is not framed
    environ |= {"wsgi.input": io.BytesIO(), "CONTENT_LENGTH": "0", _SHA256: "UNSIGNED-PAYLOAD"}
    for name in ("HTTP_TRANSFER_ENCODING", "wsgi.input_terminated", _DECODED_LENGTH):
        environ.pop(name, None)


@dataclass(kw_only=True, slots=True)
class _Arriving:
    """What is computed of a body on its way."""

    algorithm: str | None
    checksum: str | None = None
    """What the client said, or what was computed."""

    md5: Any = field(default_factory=lambda: hashlib.md5(usedforsecurity=False))
    running: checksums.Running | None = field(init=False)

    def __post_init__(self) -> None:
        self.running = None if self.algorithm is None else checksums.running(self.algorithm)

    def write(self, chunks: Iterator[bytes]) -> Body:
        file, length = File.new(), 0
        with open_new(file.path) as target:
            for chunk in chunks:
                target.write(chunk)
                self.md5.update(chunk)
                if self.running is not None:
                    self.running.update(chunk)
                length += len(chunk)
        return Body(pieces=(Piece(file=file, offset=0, length=length),) if length else ())

    def known(self, body: Body) -> Body:
        """The body with what is known of it."""
        told = {} if self.algorithm is None or self.checksum is None else {self.algorithm: self.checksum}
        return Body(pieces=body.pieces, md5=self.md5.hexdigest(), checksums=told)


def _plain(stream: BinaryIO) -> Iterator[bytes]:
    while chunk := stream.read(CHUNK_BYTES):
        yield chunk


def _unframed(stream: BinaryIO, trailers: dict[str, str]) -> Iterator[bytes]:
    """The chunks of an `aws-chunked` body; what follows the last one goes into `trailers`."""
    while (left := _chunk_size(stream.readline())) > 0:
        while left > 0:
            chunk = stream.read(min(CHUNK_BYTES, left))
            if not chunk:
                raise _incomplete()
            left -= len(chunk)
            yield chunk
        stream.readline()
    while line := stream.readline():
        name, _, value = line.decode("latin-1").strip().partition(":")
        trailers[name.lower()] = value


def _chunk_size(line: bytes) -> int:
    try:
        return int(line.split(b";", 1)[0].strip(), 16)
    except ValueError:
        raise _incomplete() from None


def _algorithm(environ: dict[str, Any]) -> str | None:
    """The one checksum algorithm that the request speaks of."""
    named: str = environ.get(_ALGORITHM, "")
    if named.upper() in checksums.ALGORITHMS:
        return named.upper()
    trailer: str = environ.get("HTTP_X_AMZ_TRAILER", "").strip().lower()
    for algorithm in checksums.ALGORITHMS:
        if _header(algorithm) in environ or trailer == _name(algorithm):
            return algorithm
    return None


def _tell_checksum(environ: dict[str, Any], arriving: _Arriving, trailers: dict[str, str]) -> None:
    """Hold what was computed against what was said, and say the checksum where moto looks for it."""
    algorithm = arriving.algorithm
    if algorithm is None:
        return
    said = environ.get(_header(algorithm), trailers.get(_name(algorithm)))
    computed = None if arriving.running is None else base64.b64encode(arriving.running.digest()).decode()
    if said is not None and computed is not None and said != computed:
        message = f"The {algorithm} you specified did not match the calculated checksum."
        raise ServiceError("BadDigest", message)
    arriving.checksum = computed if said is None else said
    if arriving.checksum is None:
        environ.pop(_ALGORITHM, None)
    else:
        environ |= {_ALGORITHM: algorithm, _header(algorithm): arriving.checksum}


def _hold_md5(said: str | None, computed: bytes) -> None:
    if said is None:
        return
    try:
        wanted = base64.b64decode(said, validate=True)
    except binascii.Error:
        wanted = b""
    if len(wanted) != len(computed):
        raise ServiceError("InvalidDigest", "The Content-MD5 you specified was invalid.")
    if wanted != computed:
        raise ServiceError("BadDigest", "The Content-MD5 you specified did not match what we received.")


def _incomplete() -> ServiceError:
    message = "You did not provide the number of bytes specified by the Content-Length HTTP header"
    return ServiceError("IncompleteBody", message)


def _name(algorithm: str) -> str:
    return f"x-amz-checksum-{algorithm.lower()}"


def _header(algorithm: str) -> str:
    return f"HTTP_X_AMZ_CHECKSUM_{algorithm}"
