"""The registry's requests, each as the operations of ECR that AWS's own registry makes of it."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError
from werkzeug.wrappers import Request, Response

from embedded.operations import ServiceError, by_path
from embedded.services.ecr import layers
from embedded.services.ecr.registry import tokens
from embedded.services.ecr.registry.answers import Refused, answer, no_entry, refusal

_NAME = r"(?P<name>[a-z0-9][a-z0-9._/-]*)"
_DIGESTS_MOST = 100
_FIRST_BYTES = 1 << 20
_MANIFEST_BYTES_MOST = 4 << 20
"""The specification's own limit."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Asked:
    """A request of somebody who has logged in."""

    request: Request
    ecr: Any
    """ECR in that person's name."""
    account: str
    region: str
    name: str
    """The repository."""
    what: str
    """The digest, the tag or the upload."""

    @property
    def place(self) -> dict[str, str]:
        """The parameters of ECR's operations that say which repository."""
        return {"registryId": self.account, "repositoryName": self.name}

    @property
    def repository(self) -> tuple[str, str, str]:
        """The repository as layers are kept by."""
        return self.account, self.region, self.name


@by_path("/v2/", unsigned=True)
def registry(environ: dict[str, Any]) -> Response:
    """Answer docker, and whoever else speaks to a registry."""
    request = Request(environ, populate_request=False)
    try:
        ecr, account, region = tokens.client_of(request.headers.get("Authorization", ""))
        return _answer(request, ecr, account, region)
    except tokens.NoEntry as error:
        return no_entry(str(error))
    except (Refused, ServiceError, ClientError) as error:
        return refusal(error)


def _answer(request: Request, ecr: Any, account: str, region: str) -> Response:
    if request.path == "/v2/":
        return answer(200, "{}", Content_Type="application/json")
    for pattern, methods in _ROUTES:
        found = pattern.fullmatch(request.path)
        if found is None:
            continue
        function = methods.get(request.method)
        if function is None:
            break
        parts = found.groupdict()
        return function(
            _Asked(
                request=request, ecr=ecr, account=account, region=region, name=parts["name"], what=parts.get("what", "")
            )
        )
    raise Refused(405, "UNSUPPORTED", f"the embedded ECR does not emulate {request.method} {request.path}")


def _has_blob(asked: _Asked) -> Response:
    (found,) = asked.ecr.batch_check_layer_availability(**asked.place, layerDigests=[asked.what])["layers"] or [{}]
    if found.get("layerAvailability") != "AVAILABLE":
        raise Refused(404, "BLOB_UNKNOWN", f"the repository {asked.name} has no layer {asked.what}")
    there = answer(200, Docker_Content_Digest=asked.what, Content_Type="application/octet-stream")
    there.headers["Content-Length"] = str(found["layerSize"])
    return there


def _read_blob(asked: _Asked) -> Response:
    url = asked.ecr.get_download_url_for_layer(**asked.place, layerDigest=asked.what)["downloadUrl"]
    return answer(307, Location=url, Docker_Content_Digest=asked.what)


def _begin_upload(asked: _Asked) -> Response:
    """Begin; a layer of another repository (`mount`) is uploaded anew, as the specification allows."""
    upload = asked.ecr.initiate_layer_upload(**asked.place)["uploadId"]
    return _uploaded(202, asked, upload, 0)


def _uploaded(status: int, asked: _Asked, upload: str, received: int) -> Response:
    return answer(
        status,
        Location=f"/v2/{asked.name}/blobs/uploads/{upload}",
        Docker_Upload_UUID=upload,
        Range=f"0-{max(received - 1, 0)}",
    )


def _take(asked: _Asked) -> int:
    """Add the request's body to an upload; its first part by the operation, which asks for the permission."""
    known = layers.received(asked.repository, asked.what)
    first = asked.request.stream.read(_FIRST_BYTES)
    if not first:
        return known
    announced = re.match(r"(\d+)-", asked.request.headers.get("Content-Range", f"{known}-"))
    if announced is None or int(announced[1]) != known:
        raise Refused(416, "BLOB_UPLOAD_INVALID", f"the next byte of the upload {asked.what} is number {known}")
    part = {"partFirstByte": known, "partLastByte": known + len(first) - 1, "layerPartBlob": first}
    asked.ecr.upload_layer_part(**asked.place, uploadId=asked.what, **part)
    return layers.append(asked.repository, asked.what, asked.request.stream)


def _add_to_upload(asked: _Asked) -> Response:
    return _uploaded(202, asked, asked.what, _take(asked))


def _upload_status(asked: _Asked) -> Response:
    return _uploaded(204, asked, asked.what, layers.received(asked.repository, asked.what))


def _end_upload(asked: _Asked) -> Response:
    digest = asked.request.args.get("digest", "")
    _take(asked)
    try:
        asked.ecr.complete_layer_upload(**asked.place, uploadId=asked.what, layerDigests=[digest])
    except ClientError as error:
        if error.response["Error"]["Code"] != "LayerAlreadyExistsException":
            raise
    return answer(201, Location=f"/v2/{asked.name}/blobs/{digest}", Docker_Content_Digest=digest)


def _reference(what: str) -> dict[str, str]:
    return {"imageDigest" if what.startswith("sha256:") else "imageTag": what}


def _read_manifest(asked: _Asked) -> Response:
    images = asked.ecr.batch_get_image(**asked.place, imageIds=[_reference(asked.what)])["images"]
    if not images:
        raise Refused(404, "MANIFEST_UNKNOWN", f"Requested image not found: {asked.name}, {asked.what}")
    text = images[0]["imageManifest"]
    kind = images[0].get("imageManifestMediaType") or json.loads(text)["mediaType"]
    return answer(200, text, Content_Type=kind, Docker_Content_Digest=images[0]["imageId"]["imageDigest"])


def _put_manifest(asked: _Asked) -> Response:
    body = asked.request.stream.read(_MANIFEST_BYTES_MOST + 1)
    if len(body) > _MANIFEST_BYTES_MOST:
        raise Refused(413, "SIZE_INVALID", f"a manifest has at most {_MANIFEST_BYTES_MOST} bytes")
    try:
        manifest = json.loads(body)
        digests = [one["digest"] for one in (*manifest.get("layers", ()), manifest.get("config")) if one]
    except (ValueError, TypeError, KeyError, AttributeError):
        raise Refused(400, "MANIFEST_INVALID", "the manifest is no JSON of an image or an index") from None
    _refuse_missing_layers(asked, digests)
    try:
        put = asked.ecr.put_image(
            **asked.place,
            **_reference(asked.what),
            imageManifest=body.decode(),
            imageManifestMediaType=asked.request.headers.get("Content-Type", manifest.get("mediaType", "")),
        )
        digest = put["image"]["imageId"]["imageDigest"]
    except ClientError as error:
        digest = _same_image(asked, error, body.decode())
    return answer(201, Location=f"/v2/{asked.name}/manifests/{digest}", Docker_Content_Digest=digest)


def _refuse_missing_layers(asked: _Asked, digests: list[str]) -> None:
    for start in range(0, len(digests), _DIGESTS_MOST):
        wanted = digests[start : start + _DIGESTS_MOST]
        found = asked.ecr.batch_check_layer_availability(**asked.place, layerDigests=wanted)["layers"]
        there = {one["layerDigest"] for one in found if one["layerAvailability"] == "AVAILABLE"}
        missing = sorted(set(wanted) - there)
        if missing:
            text = f"layers that the manifest names are not in {asked.name}: {', '.join(missing)}"
            raise Refused(404, "MANIFEST_BLOB_UNKNOWN", text)


def _same_image(asked: _Asked, error: ClientError, text: str) -> str:
    """The digest of an image that is pushed again under the tag that it has; every other refusal stays one."""
    if error.response["Error"]["Code"] != "ImageAlreadyExistsException":
        raise error
    images = asked.ecr.batch_get_image(**asked.place, imageIds=[_reference(asked.what)])["images"]
    if not images or images[0]["imageManifest"] != text:
        raise error
    return str(images[0]["imageId"]["imageDigest"])


def _tags(asked: _Asked) -> Response:
    pages = asked.ecr.get_paginator("list_images").paginate(**asked.place)
    tags = sorted({one["imageTag"] for page in pages for one in page["imageIds"] if "imageTag" in one})
    return answer(200, json.dumps({"name": asked.name, "tags": tags}), Content_Type="application/json")


_ROUTES: list[tuple[re.Pattern[str], Mapping[str, Callable[[_Asked], Response]]]] = [
    (re.compile(rf"/v2/{_NAME}/blobs/uploads/"), {"POST": _begin_upload}),
    (
        re.compile(rf"/v2/{_NAME}/blobs/uploads/(?P<what>[0-9a-f-]+)"),
        {"PATCH": _add_to_upload, "PUT": _end_upload, "GET": _upload_status},
    ),
    (re.compile(rf"/v2/{_NAME}/blobs/(?P<what>sha256:[0-9a-f]+)"), {"HEAD": _has_blob, "GET": _read_blob}),
    (
        re.compile(rf"/v2/{_NAME}/manifests/(?P<what>[\w.:-]+)"),
        {"HEAD": _read_manifest, "GET": _read_manifest, "PUT": _put_manifest},
    ),
    (re.compile(rf"/v2/{_NAME}/tags/list"), {"GET": _tags}),
]
