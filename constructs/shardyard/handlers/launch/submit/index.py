"""The Submit step: CreateTrainingJob from a function, for fields that Step Functions' integration lacks."""

from collections.abc import Mapping
from typing import Any

from botocore.exceptions import ClientError

from shardyard.handlers import aws


def handler(event: Mapping[str, Any], context: object) -> dict[str, str]:
    """Lambda's entry: `request` in; the job's name out."""
    return submit(event["request"], aws.clients)


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
