"""Custom resource: copies bundles of code from the deploy's assets to `source/<sha256>.zip` in the artifact bucket."""

from collections.abc import Mapping
from typing import Any

from botocore.exceptions import ClientError

from shardyard.handlers import aws
from shardyard.handlers.cfn_response import Answer, Request, custom_resource
from shardyard.spec import names


@custom_resource
def handler(request: Request) -> Answer:
    """Copy missing bundles; remove nothing, since runs may still read it."""
    if request.kind == "Delete":
        return Answer(physical_id=request.physical_id)
    bucket = request.properties["Bucket"]
    copied = put_bundles(aws.clients("s3"), bucket, request.properties["Bundles"])
    return Answer(physical_id=f"s3://{bucket}/source", data={"Copied": str(copied)})


def put_bundles(s3: Any, bucket: str, bundles: Mapping[str, Mapping[str, str]]) -> int:
    """Copy each bundle to the key of its hash; return how many were missing."""
    copied = 0
    for sha256, asset in bundles.items():
        key = names.source_key(sha256)
        if _exists(s3, bucket, key):
            continue
        s3.copy_object(Bucket=bucket, Key=key, CopySource={"Bucket": asset["Bucket"], "Key": asset["Key"]})
        copied += 1
    return copied


def _exists(s3: Any, bucket: str, key: str) -> bool:
    try:
        s3.head_object(Bucket=bucket, Key=key)
    except ClientError as error:
        if aws.error_code(error) in ("404", "NoSuchKey", "NotFound"):
            return False
        raise
    return True
