"""Finds leftovers of SageMaker: endpoints, notebooks, warm pools, long jobs."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from botocore.exceptions import ClientError

from shardyard.handlers import aws
from shardyard.handlers.watching.sweep.leftover import Leftover, Limits
from shardyard.handlers.watching.sweep.without_stack import without_stack
from shardyard.spec.catalogue.service_jobs import AUTOML, PROCESSING, TRAINING, TRANSFORM, TUNING
from shardyard.spec.names import STACK_TAG
from shardyard.spec.units import format_duration


def find_all(clients: aws.Clients, limits: Limits, now: datetime) -> Iterator[Leftover]:
    """Every leftover of this project and stage."""
    yield from endpoints(clients, limits, now)
    yield from notebooks(clients("sagemaker"), limits, now)
    yield from warm_pools(clients("sagemaker"), limits, now)
    yield from long_jobs(clients("sagemaker"), limits, now)
    yield from without_stack(clients, limits)


def endpoints(clients: aws.Clients, limits: Limits, now: datetime) -> Iterator[Leftover]:
    """Endpoints without a call for the configured time. Their configurations stay, so they can be created again.

    One that a stack of ours owns is only reported: its stack would update what is no longer there, and fail.
    """
    sagemaker = clients("sagemaker")
    idle = timedelta(hours=limits.endpoint_idle_hours)
    for endpoint in _pages(sagemaker, "list_endpoints", "Endpoints", StatusEquals="InService"):
        name = endpoint["EndpointName"]
        tags = [] if now - endpoint["CreationTime"] < idle else _tags(sagemaker, endpoint["EndpointArn"])
        if not limits.owns(tags) or _calls(clients("cloudwatch"), sagemaker, name, now - idle, now) > 0:
            continue
        why = f"no call in {limits.endpoint_idle_hours} h; it bills until it is deleted"
        if any(tag["Key"] == STACK_TAG for tag in tags):
            own = name.removeprefix(f"{limits.project}-{limits.stage}-")
            yield Leftover(kind="endpoint of a stack", name=name, why=f"{why}: yard endpoint delete {own}")
        else:
            stop = partial(sagemaker.delete_endpoint, EndpointName=name)
            yield Leftover(kind="endpoint", name=name, why=why, stop=stop)


def _calls(cloudwatch: Any, sagemaker: Any, endpoint: str, since: datetime, now: datetime) -> float:
    variants = sagemaker.describe_endpoint(EndpointName=endpoint).get("ProductionVariants", [])
    total = 0.0
    for variant in variants:
        answer = cloudwatch.get_metric_statistics(
            Namespace="AWS/SageMaker",
            MetricName="Invocations",
            Dimensions=[
                {"Name": "EndpointName", "Value": endpoint},
                {"Name": "VariantName", "Value": variant["VariantName"]},
            ],
            StartTime=since,
            EndTime=now,
            Period=3600,
            Statistics=["Sum"],
        )
        total += sum(point["Sum"] for point in answer["Datapoints"])
    return total


def notebooks(sagemaker: Any, limits: Limits, now: datetime) -> Iterator[Leftover]:
    """Notebook instances that have been running for too long."""
    found = _pages(sagemaker, "list_notebook_instances", "NotebookInstances", StatusEquals="InService")
    for notebook in found:
        name, running = notebook["NotebookInstanceName"], now - notebook["LastModifiedTime"]
        if running < timedelta(hours=limits.notebook_hours):
            continue
        if _ours(sagemaker, notebook["NotebookInstanceArn"], limits):
            yield Leftover(
                kind="notebook",
                name=name,
                why=f"runs for {format_duration(running.total_seconds())}, the limit is {limits.notebook_hours}h",
                stop=partial(sagemaker.stop_notebook_instance, NotebookInstanceName=name),
            )


def warm_pools(sagemaker: Any, limits: Limits, now: datetime) -> Iterator[Leftover]:
    """Instances kept warm for too long without a job; they bill until their keep-alive time is over."""
    found = _pages(sagemaker, "list_training_jobs", "TrainingJobSummaries", WarmPoolStatusEquals="Available")
    for job in found:
        name, idle = job["TrainingJobName"], now - job["TrainingEndTime"]
        if idle < timedelta(minutes=limits.warm_pool_minutes) or not _ours(sagemaker, job["TrainingJobArn"], limits):
            continue
        yield Leftover(
            kind="warm pool",
            name=name,
            why=f"kept warm for {format_duration(idle.total_seconds())} without a job, "
            f"the limit is {limits.warm_pool_minutes}m",
            # A keep-alive time of zero ends the pool; the job itself is over and is not touched.
            stop=partial(
                sagemaker.update_training_job, TrainingJobName=name, ResourceConfig={"KeepAlivePeriodInSeconds": 0}
            ),
        )


def long_jobs(sagemaker: Any, limits: Limits, now: datetime) -> Iterator[Leftover]:
    """Jobs and searches that have been running for too long; a search's trials are training jobs."""
    for of in (AUTOML, TRAINING, PROCESSING, TRANSFORM, TUNING):
        found = _pages(sagemaker, f"list_{of.method}s", f"{of.resource}Summaries", StatusEquals="InProgress")
        for job in found:
            name, running = job[of.name_field], now - job["CreationTime"]
            if running < timedelta(hours=limits.job_hours) or not _ours(sagemaker, job[of.arn_field], limits):
                continue
            yield Leftover(
                kind=of.noun,
                name=name,
                why=f"runs for {format_duration(running.total_seconds())}, the limit is {limits.job_hours}h",
                stop=partial(of.stop, sagemaker, name),
            )


def _ours(sagemaker: Any, arn: str, limits: Limits) -> bool:
    return limits.owns(_tags(sagemaker, arn))


def _tags(sagemaker: Any, arn: str) -> list[Any]:
    try:
        found: list[Any] = sagemaker.list_tags(ResourceArn=arn)["Tags"]
        return found
    except ClientError as error:
        if aws.error_code(error) in ("ValidationException", "ResourceNotFound"):  # deleted in the meantime
            return []
        raise


def _pages(client: Any, operation: str, field: str, **query: str) -> Iterator[dict[str, Any]]:
    for page in client.get_paginator(operation).paginate(**query):
        yield from page[field]
