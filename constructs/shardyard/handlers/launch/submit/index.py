"""The Submit step: CreateTrainingJob by a function, for fields that Step Functions' own integration does not know."""

from collections.abc import Mapping
from typing import Any

from botocore.exceptions import ClientError

from shardyard.handlers import aws


def handler(event: Mapping[str, Any], context: object) -> dict[str, str]:
    """Lambda's entry: `request` in, the job's name out."""
    return submit(event["request"], aws.clients)


def submit(request: Mapping[str, Any], clients: aws.Clients) -> dict[str, str]:
    """Create the job; a second call with the same name finds the job of the first and is content."""
    sagemaker = clients("sagemaker")
    name = str(request["TrainingJobName"])
    try:
        sagemaker.create_training_job(**request)
    except ClientError as error:
        # Lambda may call twice after a lost answer. The name holds run and attempt, so that job is this one.
        if aws.error_code(error) != "ResourceInUse":
            raise
    return {"name": name}
