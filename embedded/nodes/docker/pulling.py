"""Brings an image from the cloud's registry into the daemon, by its digest."""

import base64
import json
import threading
from typing import Any
from urllib.parse import urlencode, urlsplit

from botocore.exceptions import ClientError

from embedded import clients
from embedded.nodes.image import ImageError, ImageName, parse_name
from embedded.process.daemon import Daemon, DaemonError, in_path

_lock = threading.Lock()


def ensure(daemon: Daemon, uri: str) -> str:
    """The daemon's name of an image, pulled if it is not there.

    What the cloud's registry does not hold, AWS's own images first of all, is taken if the daemon has it by its name.
    """
    name = parse_name(uri)
    found = _registered(name)
    if found is None:
        if _is_there(daemon, uri):
            return uri
        raise ImageError(
            f"ClientError: Cannot pull the image {uri}: neither the embedded ECR nor the Docker daemon has it. "
            "The engine `docker` runs real images alone: docker pull it with your own credentials, or docker tag one so"
        )
    digest, manifest = found
    if not manifest.get("layers") and not manifest.get("manifests"):
        raise ImageError(
            f"ClientError: Cannot run the image {uri}: it was registered without layers, for the engine `process`. "
            f"Build it and push it anew: yard image push {name.folder}"
        )
    repository = f"127.0.0.1:{urlsplit(clients.endpoint()).port}/{name.repository}"
    with _lock:
        if not _is_there(daemon, f"{repository}@{digest}"):
            _pull(daemon, name, repository, digest, uri)
    return f"{repository}@{digest}"


def _registered(name: ImageName) -> tuple[str, dict[str, Any]] | None:
    """The digest and the manifest of an image in the cloud's registry."""
    wanted = {"imageDigest": name.digest} if name.digest is not None else {"imageTag": name.tag or "latest"}
    ecr = clients.client("ecr", name.account, name.region)
    try:
        images = ecr.batch_get_image(repositoryName=name.repository, imageIds=[wanted])["images"]
    except ClientError:
        return None
    return (images[0]["imageId"]["imageDigest"], json.loads(images[0]["imageManifest"])) if images else None


def _is_there(daemon: Daemon, name: str) -> bool:
    try:
        daemon.call("GET", f"/images/{in_path(name)}/json")
    except DaemonError as error:
        if error.status == 404:
            return False
        raise
    return True


def _pull(daemon: Daemon, name: ImageName, repository: str, digest: str, uri: str) -> None:
    ecr = clients.client("ecr", name.account, name.region)
    token = ecr.get_authorization_token()["authorizationData"][0]["authorizationToken"]
    user, _, password = base64.b64decode(token).decode().partition(":")
    login = {"username": user, "password": password, "serveraddress": repository.partition("/")[0]}
    headers = {"X-Registry-Auth": base64.urlsafe_b64encode(json.dumps(login).encode()).decode()}
    try:
        said = daemon.call(
            "POST", f"/images/create?{urlencode({'fromImage': repository, 'tag': digest})}", headers=headers
        )
    except DaemonError as error:
        raise ImageError(f"ClientError: Cannot pull the image {uri}: {error}") from error
    for line in str(said).splitlines():
        if '"errorDetail"' in line:
            raise ImageError(f"ClientError: Cannot pull the image {uri}: {json.loads(line)['error']}")
