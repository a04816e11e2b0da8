"""Empties a bucket when its stack is deleted: every version, delete marker and unfinished upload."""

import json
from typing import Any

import boto3
from botocore.exceptions import ClientError

from shardyard.handlers.cfn_response import Answer, Refused, Request, custom_resource

TAG = "shardyard:empty-on-delete"
"""A bucket without this tag is never emptied: renaming a resource must not delete data."""


@custom_resource
def handler(request: Request) -> Answer:
    """Empty the bucket on Delete; otherwise do nothing."""
    bucket = request.properties["BucketName"]
    if request.kind == "Delete":
        empty(boto3.client("s3"), bucket)
    return Answer(physical_id=bucket)


def empty(s3: Any, bucket: str) -> None:
    """Close the bucket to new objects, then remove everything in it."""
    try:
        if _tags(s3, bucket).get(TAG) != "true":
            print(f"{bucket} was not emptied: it does not have the tag {TAG}=true")
            return
        _close(s3, bucket)
        versions, uploads = _delete_versions(s3, bucket), _abort_uploads(s3, bucket)
    except ClientError as error:
        if error.response["Error"]["Code"] == "NoSuchBucket":
            print(f"{bucket} is already gone")
            return
        raise
    print(f"{bucket}: {versions} versions and {uploads} unfinished uploads removed")


def _tags(s3: Any, bucket: str) -> dict[str, str]:
    try:
        tags = s3.get_bucket_tagging(Bucket=bucket)["TagSet"]
    except ClientError as error:
        if error.response["Error"]["Code"] == "NoSuchTagSet":
            return {}
        raise
    return {tag["Key"]: tag["Value"] for tag in tags}


def _close(s3: Any, bucket: str) -> None:
    # S3 delivers access logs hours late, and a job may still be writing: one new object and the deletion fails.
    statement = {"Effect": "Deny", "Principal": "*", "Action": "s3:PutObject"}
    partition = boto3.session.Session().get_partition_for_region(s3.meta.region_name)
    resource = f"arn:{partition}:s3:::{bucket}/*"
    policy = {"Version": "2012-10-17", "Statement": [{**statement, "Resource": resource}]}
    s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps(policy))


def _delete_versions(s3: Any, bucket: str) -> int:
    removed = 0
    while True:
        # Always the first page: the next page's marker names a version that is gone by then. A page holds at
        # most 1000 versions, which is also what one call deletes.
        page = s3.list_object_versions(Bucket=bucket)
        found = [*page.get("Versions", []), *page.get("DeleteMarkers", [])]
        if not found:
            return removed
        objects = [{"Key": version["Key"], "VersionId": version["VersionId"]} for version in found]
        failed = s3.delete_objects(Bucket=bucket, Delete={"Objects": objects, "Quiet": True}).get("Errors", [])
        if failed:
            first = failed[0]
            raise Refused(f"{len(failed)} objects stay in {bucket}; {first['Key']}: {first['Code']} {first['Message']}")
        removed += len(objects)


def _abort_uploads(s3: Any, bucket: str) -> int:
    aborted = 0
    while uploads := s3.list_multipart_uploads(Bucket=bucket).get("Uploads", []):
        for upload in uploads:
            s3.abort_multipart_upload(Bucket=bucket, Key=upload["Key"], UploadId=upload["UploadId"])
        aborted += len(uploads)
    return aborted
