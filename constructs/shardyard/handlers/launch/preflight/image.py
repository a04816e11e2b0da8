"""Whether the job's image exists, and what to do when it does not."""

import re
from typing import Any

from botocore.exceptions import ClientError

from shardyard.handlers import aws
from shardyard.spec.errors import Problem

_URI = re.compile(
    r"(?P<registry>(?P<account>\d{12})\.dkr\.ecr\.(?P<region>[a-z0-9-]+)\.[a-z0-9.-]+)/"
    r"(?P<repository>[^:@]+)(?::(?P<tag>[^@]+))?(?:@(?P<digest>sha256:[0-9a-f]{64}))?"
)


def check_image(uri: str, account: str, folder: str | None, clients: aws.Clients) -> tuple[str | None, Problem | None]:
    """The image's digest, or the problem. Images of other accounts cannot be read: their digest is unknown."""
    match = _URI.fullmatch(uri)
    if match is None or match["account"] != account:
        return (match["digest"] if match else None), None
    wanted = {"imageDigest": match["digest"]} if match["digest"] else {"imageTag": match["tag"] or "latest"}
    ecr: Any = clients("ecr")
    try:
        answer = ecr.describe_images(registryId=account, repositoryName=match["repository"], imageIds=[wanted])
    except ClientError as error:
        if aws.error_code(error) not in ("ImageNotFoundException", "RepositoryNotFoundException"):
            raise
        return None, Problem("image", missing(uri, match["registry"], match["region"], folder))
    return str(answer["imageDetails"][0]["imageDigest"]), None


def missing(uri: str, registry: str, region: str, folder: str | None) -> str:
    """The message about a missing image, with the three commands that build and push it."""
    dockerfile = f"--file containers/{folder}/Dockerfile " if folder is not None else ""
    push = f"yard image push {folder}" if folder is not None else "these commands"
    return (
        f"{uri} is not in its repository. Build and push it with {push}"
        f"{', or' if folder is not None else ''}:\n"
        f"  aws ecr get-login-password --region {region} | docker login --username AWS --password-stdin {registry}\n"
        f"  docker build --platform linux/amd64 {dockerfile}--tag {uri} .\n"
        f"  docker push {uri}"
    )
