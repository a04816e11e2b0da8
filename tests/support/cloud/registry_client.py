"""Pushes an image into a registry as docker does, without docker: layers, then the manifest that names them."""

import gzip
import hashlib
import http.client
import io
import json
import tarfile
from base64 import b64decode, b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
_CONFIG = "application/vnd.docker.container.image.v1+json"
_LAYER = "application/vnd.docker.image.rootfs.diff.tar.gzip"
_CHUNK = 1 << 20


@dataclass(frozen=True, kw_only=True, slots=True)
class Layer:
    """A layer as it travels."""

    blob: bytes
    diff_id: str
    """The digest of what is packed in it."""

    @property
    def digest(self) -> str:
        """The digest of its bytes."""
        return digest_of(self.blob)


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """A registry's answer."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def code(self) -> str:
        """The name of its error."""
        return str(json.loads(self.body)["errors"][0]["code"])


def digest_of(blob: bytes) -> str:
    return f"sha256:{hashlib.sha256(blob).hexdigest()}"


def layer_of(files: Mapping[str, bytes]) -> Layer:
    """A layer with these files."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        for name, content in files.items():
            info = tarfile.TarInfo(name.lstrip("/"))
            info.size, info.mode = len(content), 0o644
            tar.addfile(info, io.BytesIO(content))
    return Layer(blob=gzip.compress(packed.getvalue(), 1, mtime=0), diff_id=digest_of(packed.getvalue()))


class Registry:
    """A registry that one has logged in to."""

    def __init__(self, ecr: Any) -> None:
        (given,) = ecr.get_authorization_token()["authorizationData"]
        self.token = given["authorizationToken"]
        self.host = given["proxyEndpoint"].removeprefix("http://")

    @property
    def password(self) -> str:
        return b64decode(self.token).decode().partition(":")[2]

    def with_password(self, password: str) -> "Registry":
        """The same registry, with another password."""
        other = object.__new__(Registry)
        other.host, other.token = self.host, b64encode(f"AWS:{password}".encode()).decode()
        return other

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        """One request; a list of pieces is sent in chunks."""
        connection = http.client.HTTPConnection(self.host, timeout=60)
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        given.setdefault("Authorization", f"Basic {self.token}")
        try:
            connection.request(method, path, body, given, encode_chunked=isinstance(body, list))
            answer = connection.getresponse()
            return Answer(status=answer.status, body=answer.read(), headers=dict(answer.getheaders()))
        finally:
            connection.close()

    def push_blob(self, name: str, blob: bytes) -> None:
        """Upload a blob, unless it is there."""
        digest = digest_of(blob)
        if self.call("HEAD", f"/v2/{name}/blobs/{digest}").status == 200:
            return
        began = self.call("POST", f"/v2/{name}/blobs/uploads/")
        assert began.status == 202, began
        pieces = [blob[at : at + _CHUNK] for at in range(0, len(blob), _CHUNK)]
        sent = self.call("PATCH", began.headers["Location"], pieces, Transfer_Encoding="chunked")
        assert sent.status == 202, sent
        ended = self.call("PUT", f"{sent.headers['Location']}?digest={digest}")
        assert ended.status == 201, ended

    def push(self, name: str, tag: str, layers: Sequence[Layer], config: Mapping[str, Any]) -> str:
        """Push an image; returns its digest."""
        whole = {
            "architecture": "amd64",
            "os": "linux",
            "config": dict(config),
            "rootfs": {"type": "layers", "diff_ids": [layer.diff_id for layer in layers]},
        }
        blob = json.dumps(whole, sort_keys=True).encode()
        for one in (*(layer.blob for layer in layers), blob):
            self.push_blob(name, one)
        put = self.call("PUT", f"/v2/{name}/manifests/{tag}", manifest_of(blob, layers), Content_Type=MANIFEST)
        assert put.status == 201, put
        return put.headers["Docker-Content-Digest"]


def manifest_of(config: bytes, layers: Sequence[Layer]) -> bytes:
    """The manifest of an image."""
    return json.dumps(
        {
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": {"mediaType": _CONFIG, "size": len(config), "digest": digest_of(config)},
            "layers": [{"mediaType": _LAYER, "size": len(one.blob), "digest": one.digest} for one in layers],
        }
    ).encode()
