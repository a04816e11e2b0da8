"""Whether a repository has an image, by its tag."""

from typing import Any

from botocore.exceptions import ClientError

from shardyard.handlers import aws


def find_digest(ecr: Any, repository: str, tag: str) -> str | None:
    """The image's digest; None where there is none of this tag."""
    try:
        answer = ecr.describe_images(repositoryName=repository, imageIds=[{"imageTag": tag}])
    except ClientError as error:
        if aws.error_code(error) == "ImageNotFoundException":
            return None
        raise
    return str(answer["imageDetails"][0]["imageDigest"])
