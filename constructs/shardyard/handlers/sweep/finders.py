"""Where leftovers are looked for: endpoints, notebooks, warm pools, long jobs, things that no stack holds any more."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from botocore.exceptions import ClientError

from shardyard.handlers import aws
from shardyard.spec.units import format_duration

STACK_TAG = "aws:cloudformation:stack-name"
_BILLING_TYPES = ("ec2:elastic-ip", "ec2:volume", "elasticfilesystem:file-system", "fsx:file-system")


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """What counts as a leftover."""

    project: str
    stage: str
    notebook_hours: int
    endpoint_idle_hours: int
    job_hours: int

    def owns(self, tags: list[Mapping[str, str]]) -> bool:
        """Whether something carries this project's and stage's tags."""
        found = {tag["Key"].lower(): tag["Value"] for tag in tags}
        return (found.get("project"), found.get("stage")) == (self.project, self.stage)


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """One leftover."""

    kind: str
    """endpoint, notebook, warm pool, training job, or the type of something else."""
    name: str
    why: str
    """Why it counts as one, in a sentence."""
    stop: Callable[[], Any] | None = None
    """Stops it; None for what is only ever reported."""


def find_all(clients: aws.Clients, limits: Limits, now: datetime) -> Iterator[Finding]:
    """Every leftover of this project and stage."""
    yield from endpoints(clients, limits, now)
    yield from notebooks(clients("sagemaker"), limits, now)
    yield from warm_pools(clients("sagemaker"), limits)
    yield from long_jobs(clients("sagemaker"), limits, now)
    yield from without_stack(clients, limits)


def endpoints(clients: aws.Clients, limits: Limits, now: datetime) -> Iterator[Finding]:
    """Endpoints that nobody has called for the configured time; the configuration stays, so one can be made again."""
    sagemaker = clients("sagemaker")
    idle = timedelta(hours=limits.endpoint_idle_hours)
    for endpoint in _pages(sagemaker, "list_endpoints", "Endpoints", StatusEquals="InService"):
        name = endpoint["EndpointName"]
        if now - endpoint["CreationTime"] < idle or not _ours(sagemaker, endpoint["EndpointArn"], limits):
            continue
        if _calls(clients("cloudwatch"), sagemaker, name, now - idle, now) == 0:
            why = f"no call in {limits.endpoint_idle_hours} h; it bills until it is deleted"
            yield Finding(
                kind="endpoint",
                name=name,
                why=why,
                stop=partial(sagemaker.delete_endpoint, EndpointName=name),
            )


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


def notebooks(sagemaker: Any, limits: Limits, now: datetime) -> Iterator[Finding]:
    """Notebook instances that have been running for too long."""
    found = _pages(sagemaker, "list_notebook_instances", "NotebookInstances", StatusEquals="InService")
    for notebook in found:
        name, running = notebook["NotebookInstanceName"], now - notebook["LastModifiedTime"]
        if running < timedelta(hours=limits.notebook_hours):
            continue
        if _ours(sagemaker, notebook["NotebookInstanceArn"], limits):
            yield Finding(
                kind="notebook",
                name=name,
                why=f"runs for {format_duration(running.total_seconds())}, the limit is {limits.notebook_hours}h",
                stop=partial(sagemaker.stop_notebook_instance, NotebookInstanceName=name),
            )


def warm_pools(sagemaker: Any, limits: Limits) -> Iterator[Finding]:
    """Instances kept warm with no job on them: reported, since they end by themselves."""
    found = _pages(sagemaker, "list_training_jobs", "TrainingJobSummaries", WarmPoolStatusEquals="Available")
    for job in found:
        if _ours(sagemaker, job["TrainingJobArn"], limits):
            why = "its instances are kept warm and bill; no job uses them"
            yield Finding(kind="warm pool", name=job["TrainingJobName"], why=why)


def long_jobs(sagemaker: Any, limits: Limits, now: datetime) -> Iterator[Finding]:
    """Training jobs that have been running for too long: reported, since stopping one loses work."""
    found = _pages(sagemaker, "list_training_jobs", "TrainingJobSummaries", StatusEquals="InProgress")
    for job in found:
        running = now - job["CreationTime"]
        if running >= timedelta(hours=limits.job_hours) and _ours(sagemaker, job["TrainingJobArn"], limits):
            why = f"runs for {format_duration(running.total_seconds())}, the limit is {limits.job_hours}h"
            yield Finding(kind="training job", name=job["TrainingJobName"], why=why)


def without_stack(clients: aws.Clients, limits: Limits) -> Iterator[Finding]:
    """Things that bill and carry the project's tags, but belong to no stack: reported, since a person made them."""
    pages = clients("resourcegroupstaggingapi").get_paginator("get_resources")
    filters = [{"Key": "project", "Values": [limits.project]}, {"Key": "stage", "Values": [limits.stage]}]
    for page in pages.paginate(TagFilters=filters, ResourceTypeFilters=list(_BILLING_TYPES)):
        for resource in page["ResourceTagMappingList"]:
            if STACK_TAG not in {tag["Key"] for tag in resource["Tags"]}:
                _, _, service, _, _, name = resource["ResourceARN"].split(":", 5)
                why = "it carries the project's tags and belongs to no stack"
                yield Finding(kind=service, name=name, why=why)


def _ours(sagemaker: Any, arn: str, limits: Limits) -> bool:
    try:
        return limits.owns(sagemaker.list_tags(ResourceArn=arn)["Tags"])
    except ClientError as error:
        if aws.error_code(error) in ("ValidationException", "ResourceNotFound"):  # gone meanwhile
            return False
        raise


def _pages(client: Any, operation: str, field: str, **query: str) -> Iterator[dict[str, Any]]:
    for page in client.get_paginator(operation).paginate(**query):
        yield from page[field]
