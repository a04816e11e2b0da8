"""ECR: the layers of images, configurations among them, as a push uploads them and a pull reads them.

They are files named by what is in them; an address to read one is signed for an hour, as S3's are that ECR gives out.
"""

import atexit
import functools
import hashlib
import hmac
import os
import re
import shutil
import tempfile
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any
from urllib.parse import parse_qs, quote, urlsplit

from moto.ecr.models import Image, ecr_backends
from werkzeug.wrappers import Response

from embedded import clients, moto_patches
from embedded.kept import parts
from embedded.operations import Call, Params, ServiceError, by_path, operation

_PREFIX = "/_layer/"
_PART_BYTES = 10_485_760
_COPY_BYTES = 1 << 20
_SECONDS = 3600
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


@dataclass(kw_only=True, slots=True)
class _Upload:
    """A layer on its way."""

    repository: tuple[str, str, str]
    path: Path
    received: int = 0


_uploads: dict[str, _Upload] = {}
_layers: dict[tuple[str, str, str], dict[str, int]] = {}
"""Of each repository (account, region, name) the layers, with their sizes."""
parts.keep_contents("ecr.layers", _layers)


@functools.cache
def _folder() -> Path:
    own = os.environ.get("YARD_CLOUD_FOLDER")
    if own is None:
        path = Path(tempfile.mkdtemp(prefix="yard-layers-"))
        atexit.register(shutil.rmtree, path, ignore_errors=True)
    else:
        path = Path(own).resolve() / "layers"
        path.mkdir(parents=True, exist_ok=True)
    return path


def _repository(call: Call, params: Params) -> tuple[str, str, str]:
    account, name = params.get("registryId", call.account), params["repositoryName"]
    if name not in ecr_backends[account][call.region].repositories:
        text = f"The repository with name '{name}' does not exist in the registry with id '{account}'"
        raise ServiceError("RepositoryNotFoundException", text)
    return account, call.region, name


@operation("ecr", "BatchCheckLayerAvailability")
def check_availability(call: Call, params: Params) -> Mapping[str, Any]:
    """Which layers need not be uploaded again."""
    there = _layers.get(_repository(call, params), {})
    layers, failures = [], []
    for digest in params["layerDigests"]:
        if _DIGEST.fullmatch(digest) is None:
            failures.append(
                {
                    "layerDigest": digest,
                    "failureCode": "InvalidLayerDigest",
                    "failureReason": "The layer digest is not sha256: and 64 hex digits",
                }
            )
        elif digest in there:
            layers.append({"layerDigest": digest, "layerAvailability": "AVAILABLE", "layerSize": there[digest]})
        else:
            layers.append({"layerDigest": digest, "layerAvailability": "UNAVAILABLE"})
    return {"layers": layers, "failures": failures}


@operation("ecr", "InitiateLayerUpload")
def initiate(call: Call, params: Params) -> Mapping[str, Any]:
    """Begin an upload."""
    repository = _repository(call, params)
    name = str(uuid.uuid4())
    upload = _Upload(repository=repository, path=_folder() / f"upload-{name}")
    upload.path.touch()
    _uploads[name] = upload
    return {"uploadId": name, "partSize": _PART_BYTES}


def _upload(call: Call, params: Params) -> _Upload:
    return _open_upload(_repository(call, params), params["uploadId"])


@operation("ecr", "UploadLayerPart")
def upload_part(call: Call, params: Params) -> Mapping[str, Any]:
    """Take the next bytes."""
    upload, blob = _upload(call, params), bytes(params["layerPartBlob"])
    first, last = params["partFirstByte"], params["partLastByte"]
    if first != upload.received or last - first + 1 != len(blob):
        text = (
            f"Layer part upload to '{params['repositoryName']}' with upload id '{params['uploadId']}' is invalid: "
            f"bytes {first} to {last} were announced, {len(blob)} came, and {upload.received} were there"
        )
        raise ServiceError("InvalidLayerPartException", text)
    with upload.path.open("ab") as file:
        file.write(blob)
    upload.received += len(blob)
    return {
        "registryId": upload.repository[0],
        "repositoryName": upload.repository[2],
        "uploadId": params["uploadId"],
        "lastByteReceived": upload.received - 1,
    }


def received(repository: tuple[str, str, str], upload_id: str) -> int:
    """How many bytes of an upload are here."""
    return _open_upload(repository, upload_id).received


def append(repository: tuple[str, str, str], upload_id: str, stream: IO[bytes]) -> int:
    """Add the rest of a stream to an upload, of whatever length; returns how many bytes there are now."""
    upload = _open_upload(repository, upload_id)
    with upload.path.open("ab") as file:
        shutil.copyfileobj(stream, file, _COPY_BYTES)
        upload.received = file.tell()
    return upload.received


def _open_upload(repository: tuple[str, str, str], upload_id: str) -> _Upload:
    upload = _uploads.get(upload_id)
    if upload is None or upload.repository != repository:
        text = f"Upload with id '{upload_id}' does not exist in '{repository[2]}'"
        raise ServiceError("UploadNotFoundException", text)
    return upload


@operation("ecr", "CompleteLayerUpload")
def complete(call: Call, params: Params) -> Mapping[str, Any]:
    """End an upload: what came must be what its digest says."""
    upload = _upload(call, params)
    if upload.received == 0:
        text = f"Upload with id '{params['uploadId']}' has no parts"
        raise ServiceError("EmptyUploadException", text)
    with upload.path.open("rb") as file:
        digest = f"sha256:{hashlib.file_digest(file, 'sha256').hexdigest()}"
    if digest not in params["layerDigests"]:
        text = f"Layer digests {params['layerDigests']} do not match the uploaded bytes, which have {digest}"
        raise ServiceError("InvalidLayerException", text)
    there = _layers.setdefault(upload.repository, {})
    if digest in there:
        raise ServiceError("LayerAlreadyExistsException", f"Layer '{digest}' already exists in the repository")
    upload.path.rename(_folder() / digest.removeprefix("sha256:"))
    there[digest] = upload.received
    del _uploads[params["uploadId"]]
    return {
        "registryId": upload.repository[0],
        "repositoryName": upload.repository[2],
        "uploadId": params["uploadId"],
        "layerDigest": digest,
    }


@operation("ecr", "GetDownloadUrlForLayer")
def download_url(call: Call, params: Params) -> Mapping[str, Any]:
    """An address where a layer of an image can be read for an hour."""
    repository, digest = _repository(call, params), params["layerDigest"]
    if digest not in _layers.get(repository, {}):
        text = f"The layers with digests {[digest]} were not found in the repository"
        raise ServiceError("LayersNotFoundException", text)
    expires = int(time.time()) + _SECONDS
    name = digest.removeprefix("sha256:")
    address = f"{clients.endpoint()}{_PREFIX}{name}?expires={expires}&signature={quote(_signature(name, expires))}"
    return {"downloadUrl": address, "layerDigest": digest}


def _signature(name: str, expires: int) -> str:
    return hmac.new(clients.owner_secret().encode(), f"layer {name} {expires}".encode(), hashlib.sha256).hexdigest()


@by_path(_PREFIX)
def read(environ: dict[str, Any]) -> Response:
    """Answer with a layer whoever has its signed address."""
    name = urlsplit(environ["PATH_INFO"]).path.removeprefix(_PREFIX)
    given = {key: values[0] for key, values in parse_qs(environ.get("QUERY_STRING", "")).items()}
    expires = given.get("expires", "")
    is_time = expires.isascii() and expires.isdecimal() and len(expires) < 16
    good = is_time and hmac.compare_digest(
        _signature(name, int(expires)).encode(), given.get("signature", "").encode(errors="replace")
    )
    if not good or int(expires) < time.time():
        return Response("AccessDenied: the address is not signed, or its hour is over", status=403)
    path = _folder() / name
    if not path.is_file():
        return Response("NoSuchKey: the layer is gone", status=404)
    length = {"Content-Length": str(path.stat().st_size)}
    return Response(path.open("rb"), headers=length, content_type="application/octet-stream", direct_passthrough=True)


def _digest_of_manifest(self: Any) -> None:
    digest = hashlib.sha256(self.image_manifest.encode()).hexdigest()
    vars(self)["_image_digest"] = f"sha256:{digest}"


moto_patches.replace(
    Image, "_create_digest", _digest_of_manifest, reason="its digests are of layers' names, and alike without any"
)
