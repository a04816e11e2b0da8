"""The Submit and Look steps: a job's creation, and its watch until it has ended, from a function.

For fields that Step Functions' integration lacks, and for spot jobs that may not wait as long as SageMaker would let
them. A search is looked at in any case: its first trials tell whether it can find its objective.
"""

import time
from collections.abc import Mapping
from typing import Any

from botocore.exceptions import ClientError

from shardyard.handlers import aws
from shardyard.handlers.launch.search.first_trials import unfound_objective
from shardyard.handlers.launch.spot_wait import waited_seconds
from shardyard.spec.catalogue.service_jobs import TRAINING, TUNING, ServiceJob, of_run


def handler(event: Mapping[str, Any], context: object) -> dict[str, str]:
    """Lambda's entry: a `request` in to create a job, or its name and `give_up_seconds` to look at it."""
    of = of_run(event)
    if "request" in event:
        return submit(event["request"], aws.clients, of)
    longest = event.get("max_runtime_seconds")
    return look(event["name"], event["give_up_seconds"], aws.clients, time.time(), of, longest_seconds=longest)


def submit(request: Mapping[str, Any], clients: aws.Clients, of: ServiceJob = TRAINING) -> dict[str, str]:
    """Create the job; a second call with the same name succeeds with the first call's job."""
    sagemaker = clients("sagemaker")
    name = str(request[of.name_field])
    try:
        of.create(sagemaker, request)
    except ClientError as error:
        # Lambda may retry after a lost answer. The name contains run and attempt, so that job is this one.
        if aws.error_code(error) != "ResourceInUse":
            raise
    return {"name": name}


def look(
    name: str,
    give_up_seconds: int | None,
    clients: aws.Clients,
    now: float,
    of: ServiceJob = TRAINING,
    *,
    longest_seconds: int | None = None,
) -> dict[str, str]:
    """Answer the job's status, and stop a job that has waited for spot capacity for too long, or searches in vain.

    `longest_seconds` is how long a job may take of a kind that the service does not limit, or not to the second.
    """
    sagemaker = clients("sagemaker")
    if of is TUNING:
        return _look_at_search(name, sagemaker)
    job = of.describe(sagemaker, name)
    status = str(job[of.status_field])
    if status == "InProgress" and give_up_seconds is not None and waited_seconds(job, now) >= give_up_seconds:
        of.stop(sagemaker, name)
    if (
        status == "InProgress"
        and longest_seconds is not None
        and now - job["CreationTime"].timestamp() >= longest_seconds + of.grace_seconds
    ):
        of.stop(sagemaker, name)
    return {of.name_field: name, of.status_field: status}


def _look_at_search(name: str, sagemaker: Any) -> dict[str, str]:
    search = aws.describe_job(sagemaker, name, TUNING)
    if search is None:  # Step Functions' own task has not created it yet
        return {TUNING.name_field: name, TUNING.status_field: "InProgress"}
    status = str(search[TUNING.status_field])
    if status == "InProgress" and unfound_objective(sagemaker, search, name) is not None:
        TUNING.stop(sagemaker, name)
    return {TUNING.name_field: name, TUNING.status_field: status}
