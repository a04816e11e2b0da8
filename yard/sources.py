"""The user's code for a launch: bundled, and uploaded only if it has changed."""

import hashlib

from shardyard.spec import names
from shardyard.spec.jobs.job import JobSpec
from yard.aws import Aws
from yard.output import say


def upload_source(aws: Aws, spec: JobSpec) -> str | None:
    """Upload the job's [source] bundle unless it is there; return its hash, or None for a job without one."""
    from botocore.exceptions import ClientError

    from shardyard.spec.jobs.source import bundle
    from shardyard.spec.jobs.source_files import source_files

    if spec.source is None:
        return None
    code = source_files(aws.project.root, spec.source.dir)
    packed = bundle(code)
    sha256 = hashlib.sha256(packed).hexdigest()
    bucket, key, s3 = aws.artifact_bucket(), names.source_key(sha256), aws.client("s3")
    try:
        s3.head_object(Bucket=bucket, Key=key)
    except ClientError as error:
        if error.response["Error"]["Code"] not in ("404", "NoSuchKey", "NotFound"):
            raise
        s3.put_object(Bucket=bucket, Key=key, Body=packed, ChecksumAlgorithm="SHA256")
        say(f"Uploaded {spec.source.dir} as {sha256[:12]} ({code}).")
    return sha256
