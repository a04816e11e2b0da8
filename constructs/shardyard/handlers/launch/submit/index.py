"""The Submit and Look steps: a training job's creation, and its watch until it has ended, from a function.

For fields that Step Functions' integration lacks, and for spot jobs that may not wait as long as SageMaker would let
them.
"""

import time
from collections.abc import Mapping
from typing import Any

from botocore.exceptions import ClientError

from shardyard.handlers import aws
from shardyard.handlers.launch.spot_wait import waited_seconds


def handler(event: Mapping[str, Any], context: object) -> dict[str, str]:
    """Lambda's entry: a `request` in to create a job, or its name and `give_up_seconds` to look at it."""
    if "request" in event:
        return submit(event["request"], aws.clients)
    return look(event["name"], event["give_up_seconds"], aws.clients, time.time())


def submit(request: Mapping[str, Any], clients: aws.Clients) -> dict[str, str]:
    """Create the job; a second call with the same name succeeds with the first call's job."""
    sagemaker = clients("sagemaker")
    name = str(request["TrainingJobName"])
    try:
        sagemaker.create_training_job(**request)
    except ClientError as error:
        # Lambda may retry after a lost answer. The name contains run and attempt, so that job is this one.
        if aws.error_code(error) != "ResourceInUse":
            raise
    return {"name": name}


def look(name: str, give_up_seconds: int | None, clients: aws.Clients, now: float) -> dict[str, str]:
    """Answer the job's status, and stop a job that has waited for spot capacity for too long."""
    sagemaker = clients("sagemaker")
    job = sagemaker.describe_training_job(TrainingJobName=name)
    status = str(job["TrainingJobStatus"])
    if status == "InProgress" and give_up_seconds is not None and waited_seconds(job, now) >= give_up_seconds:
        sagemaker.stop_training_job(TrainingJobName=name)
    return {"TrainingJobName": name, "TrainingJobStatus": status}
