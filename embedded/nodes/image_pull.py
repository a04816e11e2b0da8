"""Checks that an image can be pulled: as on AWS, it must have been pushed to the account's registry first."""

from botocore.exceptions import ClientError

from embedded import clients
from embedded.nodes.image import ImageError, parse_name


def check_registered(uri: str, account: str) -> None:
    """Refuse an image that this account's registry lacks; AWS's own registries are assumed complete."""
    name = parse_name(uri)
    if name.account != account:
        return
    wanted = {"imageDigest": name.digest} if name.digest is not None else {"imageTag": name.tag or "latest"}
    try:
        clients.client("ecr", account, name.region).describe_images(repositoryName=name.repository, imageIds=[wanted])
    except ClientError as error:
        raise ImageError(
            f"ClientError: Cannot pull the image {uri}: {error.response['Error']['Message']} "
            f"Push it first: yard image push {name.folder}"
        ) from error
