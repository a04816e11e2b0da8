"""What a push sends of an image that is not built: its configuration, as its Dockerfile says it, and no layers.

The embedded cloud runs the folder itself. Labels, architecture and variables are what a real build would say, so that
whoever asks ECR about the image gets the same answer as on AWS.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from embedded.nodes import image
from shardyard.spec.catalogue.image_commands import ImageBuild

_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
_CONFIG = "application/vnd.docker.container.image.v1+json"


def push(ecr: Any, build: ImageBuild, *, root: Path, content: str) -> str:
    """Push one image of a folder of containers/ under its tag; returns its digest."""
    dockerfile = root / "containers" / str(build.folder) / "Dockerfile"
    found = image.read(dockerfile, root, {**build.arguments, "CONTENT": content})
    platform = build.build[build.build.index("--platform") + 1]
    repository, _, tag = build.uri.partition("/")[2].partition(":")
    return push_config(ecr, config_of(found, architecture=platform.rpartition("/")[2]), repository, tag)


def config_of(found: image.Image, *, architecture: str) -> dict[str, Any]:
    """An image's configuration, without the history of layers that it has not."""
    return {
        "architecture": architecture,
        "os": "linux",
        "config": {
            "Env": [f"{name}={value}" for name, value in found.environment.items()],
            "Entrypoint": list(found.entrypoint),
            "WorkingDir": found.work_folder,
            "Labels": dict(found.labels),
        },
        "rootfs": {"type": "layers", "diff_ids": []},
    }


def push_config(ecr: Any, config: Mapping[str, Any], repository: str, tag: str) -> str:
    """Upload a configuration and the manifest that names it; returns the image's digest."""
    blob = json.dumps(config, sort_keys=True).encode()
    digest = f"sha256:{hashlib.sha256(blob).hexdigest()}"
    upload = ecr.initiate_layer_upload(repositoryName=repository)["uploadId"]
    place = {"repositoryName": repository, "uploadId": upload}
    ecr.upload_layer_part(**place, partFirstByte=0, partLastByte=len(blob) - 1, layerPartBlob=blob)
    try:
        ecr.complete_layer_upload(**place, layerDigests=[digest])
    except ClientError as error:
        if error.response["Error"]["Code"] != "LayerAlreadyExistsException":
            raise
    manifest = {
        "schemaVersion": 2,
        "mediaType": _MANIFEST,
        "config": {"mediaType": _CONFIG, "size": len(blob), "digest": digest},
        "layers": [],
    }
    answer = ecr.put_image(
        repositoryName=repository,
        imageTag=tag,
        imageManifest=json.dumps(manifest),
        imageManifestMediaType=_MANIFEST,
    )
    return str(answer["image"]["imageId"]["imageDigest"])
