"""The services of AWS that a project's deploy and its jobs call, by the names that botocore has for them."""

from collections.abc import Sequence

from shardyard.spec.jobs.job import JobSpec
from shardyard.spec.jobs.launched import LaunchedSpec
from shardyard.spec.settings.settings import Settings

_ALWAYS = {
    "sagemaker": "training and processing",
    "stepfunctions": "the launches",
    "lambda": "the handlers",
    "s3": "data and results",
    "kms": "the key",
    "ecr": "images",
    "iam": "roles",
    "sts": "sessions",
    "cloudformation": "the stacks",
    "ssm": "the bootstrap's version",
    "logs": "logs",
    "cloudwatch": "metrics and alarms",
    "events": "rules",
    "sns": "alerts",
    "service-quotas": "quotas",
    "resourcegroupstaggingapi": "the sweeper",
}
_FILE_SYSTEMS = {"FSxLustre": "fsx", "EFS": "efs"}


def needed(settings: Settings, jobs: Sequence[LaunchedSpec]) -> dict[str, str]:
    """Each service, with what it is needed for."""
    found = dict(_ALWAYS)
    if settings.network.kind != "none":
        found["ec2"] = "the network"
    for job in jobs:
        if job.secrets:
            found["secretsmanager"] = f"[secrets] of {job.name}"
        for channel in job.channels.values() if isinstance(job, JobSpec) else ():
            if channel.file_system is not None:
                found[_FILE_SYSTEMS[channel.file_system.type]] = f"a channel of {job.name}"
    return found
