"""A job of any kind as launches read it: what the service's descriptions of each kind say in their own fields."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from shardyard.spec.catalogue.service_jobs import AUTOML, PROCESSING, TRAINING, TRANSFORM, ServiceJob


@dataclass(frozen=True, kw_only=True, slots=True)
class Described:
    """One attempt's job."""

    name: str
    status: str
    secondary_status: str = ""
    reason: str = ""
    """The service's words about a failure."""
    exit_message: str = ""
    """The program's own words, where the kind of job carries them."""
    instances: Sequence[tuple[str, int]]
    """Types and counts; of preferences the one that was taken."""
    volume_gb: float = 0
    spot: bool = False
    created: object = None
    started: object = None
    ended: object = None
    seconds: int = 0
    """How long it ran."""
    billable_seconds: int = 0
    longest_seconds: int | None = None
    """How long it was allowed to run."""


def _training(job: Mapping[str, Any]) -> Described:
    resources = job.get("ResourceConfig", {})
    seconds = int(job.get("TrainingTimeInSeconds") or 0)
    return Described(
        name=str(job.get("TrainingJobName", "")),
        status=job["TrainingJobStatus"],
        secondary_status=str(job.get("SecondaryStatus") or ""),
        reason=str(job.get("FailureReason") or ""),
        instances=_instances(resources),
        volume_gb=float(resources.get("VolumeSizeInGB", 0)),
        spot=bool(job.get("EnableManagedSpotTraining")),
        created=job.get("CreationTime"),
        started=job.get("TrainingStartTime"),
        ended=job.get("TrainingEndTime"),
        seconds=seconds,
        # An on-demand job bills for all its training time, even if the service omits the field.
        billable_seconds=int(job.get("BillableTimeInSeconds", seconds)),
        longest_seconds=job.get("StoppingCondition", {}).get("MaxRuntimeInSeconds"),
    )


def _processing(job: Mapping[str, Any]) -> Described:
    cluster = job.get("ProcessingResources", {}).get("ClusterConfig", {})
    started, ended = job.get("ProcessingStartTime"), job.get("ProcessingEndTime")
    # It bills from its start to its end, and there is no spot capacity for it.
    seconds = _between(started, ended)
    return Described(
        name=str(job.get("ProcessingJobName", "")),
        status=job["ProcessingJobStatus"],
        reason=str(job.get("FailureReason") or ""),
        exit_message=str(job.get("ExitMessage") or ""),
        instances=_taken(cluster),
        volume_gb=float(cluster.get("VolumeSizeInGB", 0)),
        created=job.get("CreationTime"),
        started=started,
        ended=ended,
        seconds=seconds,
        billable_seconds=seconds,
        longest_seconds=job.get("StoppingCondition", {}).get("MaxRuntimeInSeconds"),
    )


def _transform(job: Mapping[str, Any]) -> Described:
    started, ended = job.get("TransformStartTime"), job.get("TransformEndTime")
    # It bills from its start to its end, and there is no spot capacity for it.
    seconds = _between(started, ended)
    return Described(
        name=str(job.get("TransformJobName", "")),
        status=job["TransformJobStatus"],
        reason=str(job.get("FailureReason") or ""),
        instances=_instances(job.get("TransformResources", {})),
        created=job.get("CreationTime"),
        started=started,
        ended=ended,
        seconds=seconds,
        billable_seconds=seconds,
    )


def _automl(job: Mapping[str, Any]) -> Described:
    criteria = job.get("ResolvedAttributes", {}).get("CompletionCriteria", {})
    # What bills are the jobs that it starts, which the receipt looks at one by one.
    return Described(
        name=str(job.get("AutoMLJobName", "")),
        status=job["AutoMLJobStatus"],
        secondary_status=str(job.get("AutoMLJobSecondaryStatus") or ""),
        reason=str(job.get("FailureReason") or ""),
        instances=(),
        created=job.get("CreationTime"),
        started=job.get("CreationTime"),
        ended=job.get("EndTime"),
        seconds=_between(job.get("CreationTime"), job.get("EndTime")),
        longest_seconds=criteria.get("MaxAutoMLJobRuntimeInSeconds"),
    )


def _between(started: object, ended: object) -> int:
    if not isinstance(started, datetime) or not isinstance(ended, datetime):
        return 0
    return max(0, round((ended - started).total_seconds()))


def _taken(cluster: Mapping[str, Any]) -> list[tuple[str, int]]:
    """The instances of a processing job: of its preferences the one that the service took."""
    if "SelectedInstanceType" in cluster:
        return [(cluster["SelectedInstanceType"], cluster.get("SelectedInstanceCount", 1))]
    return _instances(cluster)


_READERS: dict[str, Callable[[Mapping[str, Any]], Described]] = {
    TRAINING.kind: _training,
    PROCESSING.kind: _processing,
    TRANSFORM.kind: _transform,
    AUTOML.kind: _automl,
}


def read(of: ServiceJob, job: Mapping[str, Any]) -> Described:
    """Read a description of this kind."""
    return _READERS[of.kind](job)


def _instances(resources: Mapping[str, Any]) -> list[tuple[str, int]]:
    if resources.get("InstanceGroups"):
        return [(group["InstanceType"], group["InstanceCount"]) for group in resources["InstanceGroups"]]
    if "InstanceType" in resources:
        return [(resources["InstanceType"], resources["InstanceCount"])]
    # With preferences, the service reports its choice only by listing it first.
    return [(one["InstanceType"], one["InstanceCount"]) for one in resources.get("InstancePreferences", [])[:1]]


def iso(moment: object) -> str | None:
    """A time as text; None where the service gave none."""
    return moment.isoformat() if isinstance(moment, datetime) else None
