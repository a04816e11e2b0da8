"""The service's jobs behind a run, of any kind, told in the words of a training job: what follows a run reads these.

A processing or transform job has the same things under other names; its own stay beside them.
"""

from collections.abc import Mapping
from typing import Any, Protocol

from shardyard.spec.catalogue.service_jobs import AUTOML, PROCESSING, TRAINING, TRANSFORM, ServiceJob
from yard.aws import Aws

_SECONDARY = {"InProgress": "Training"}
"""Other jobs have one status: while it is in progress its containers may still be starting."""


class OfKind(Protocol):
    """A run, as far as its jobs are found by it."""

    @property
    def run_id(self) -> str:
        """Its id."""

    @property
    def of(self) -> ServiceJob:
        """What its jobs are."""


def attempts(aws: Aws, run: OfKind) -> list[dict[str, Any]]:
    """The jobs of a run, oldest first, as the service lists them."""
    of = run.of
    pages = aws.client("sagemaker").get_paginator(f"list_{of.method}s")
    found = [
        summary
        for page in pages.paginate(NameContains=run.run_id, SortBy="CreationTime", SortOrder="Ascending")
        for summary in page[f"{of.resource}Summaries"]
    ]
    return [told(summary, of) for summary in found if run.run_id in summary[of.name_field]]


def describe(aws: Aws, run: OfKind, name: str) -> dict[str, Any]:
    """Describe one of them."""
    of = run.of
    return told(of.describe(aws.client("sagemaker"), name), of)


def settings_of(described: Mapping[str, Any]) -> dict[str, Any]:
    """What a job was set to."""
    from shardyard.spec.run_settings import settings_of as settings_of_kind

    of = next((one for one in (PROCESSING, TRANSFORM, AUTOML) if one.name_field in described), TRAINING)
    return settings_of_kind({"kind": of.kind}, described)


def told(job: dict[str, Any], of: ServiceJob) -> dict[str, Any]:
    """A job, as the service lists or describes it, in the words of a training job."""
    if of is TRAINING:
        return job
    verb = of.resource.removesuffix("Job")
    status, started, ended = job[of.status_field], job.get(f"{verb}StartTime"), job.get(f"{verb}EndTime")
    if of is AUTOML:
        started, ended = job["CreationTime"], job.get("EndTime")
    secondary = "Starting" if status == "InProgress" and not started else _SECONDARY.get(status, status)
    cluster = job.get("ProcessingResources", {}).get("ClusterConfig", {})
    words: dict[str, Any] = {
        "TrainingJobName": job[of.name_field],
        "TrainingJobArn": job[of.arn_field],
        "TrainingJobStatus": status,
        "SecondaryStatus": job["AutoMLJobSecondaryStatus"] if of is AUTOML else secondary,
        "TrainingStartTime": started,
        "TrainingEndTime": ended,
        "ResourceConfig": job.get("TransformResources", cluster),
        "AlgorithmSpecification": {},
    }
    if started is not None and ended is not None:
        seconds = max(0, round((ended - started).total_seconds()))
        words |= {"TrainingTimeInSeconds": seconds, "BillableTimeInSeconds": seconds}
    said = [text for text in (job.get("FailureReason"), job.get("ExitMessage")) if text]
    if status == "Failed" and said:
        words["FailureReason"] = " ".join(said)
    return {**job, **{key: value for key, value in words.items() if value is not None}}
