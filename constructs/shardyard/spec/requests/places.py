"""Where a job's data lies: addresses in the project's buckets made whole."""

from shardyard.spec import names
from shardyard.spec.requests.deployment import Deployment


def address(place: str, bucket: str, deployment: Deployment) -> str:
    """The whole S3 address of a key prefix in one of the project's buckets, or of one that is whole."""
    if place.startswith("s3://"):
        return place
    return f"s3://{deployment.data_bucket if bucket == 'data' else deployment.artifact_bucket}/{place}"


def own_place(job: str, deployment: Deployment, run_id: str) -> str:
    """What a run of this job may write besides the places that its file names."""
    return f"s3://{deployment.artifact_bucket}/{names.run_prefix(run_id)}{job}/"
