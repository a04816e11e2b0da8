"""What each attempt of a run did and cost, from the description of its training job."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from shardyard.handlers import aws
from shardyard.spec.catalogue import prices

MOST_DESCRIBED = 50
"""Only this many latest attempts are described, the others counted: hours of queueing can make hundreds."""
_HOURS_PER_MONTH = 730


def read_attempts(names: Sequence[str], clients: aws.Clients) -> list[dict[str, Any]]:
    """Describe the training jobs of a run, oldest first; names without a job are skipped."""
    found = aws.in_parallel(lambda name: aws.describe_job(clients("sagemaker"), name), names[-MOST_DESCRIBED:])
    return [job for job in found if job is not None]


def with_snapshot_prices(cost: Mapping[str, Any], jobs: Sequence[Mapping[str, Any]], region: str) -> dict[str, Any]:
    """The launch's prices, with the snapshot's for types that only an earlier launch of the run used."""
    kinds = {kind for job in jobs for kind, _ in _instances(job["ResourceConfig"])} - cost["hourly_usd"].keys()
    known = {kind: prices.hourly_usd(kind, region) for kind in sorted(kinds)}
    added = {kind: price.hourly_usd for kind, price in known.items() if price is not None}
    source = "".join(f"; {kind}: snapshot of {prices.snapshot_date()}" for kind in added)
    return {**cost, "hourly_usd": {**cost["hourly_usd"], **added}, "source": f"{cost['source']}{source}"}


def account(job: Mapping[str, Any], cost: Mapping[str, Any]) -> dict[str, Any]:
    """One attempt as a line of the receipt: its times and what it cost."""
    training = int(job.get("TrainingTimeInSeconds") or 0)
    # An on-demand job bills for all its training time, even if the service omits the field.
    billable = int(job.get("BillableTimeInSeconds", training))
    instances = _instances(job["ResourceConfig"])
    hourly = _hourly_usd(instances, cost["hourly_usd"])
    storage = _storage_usd(job["ResourceConfig"], instances, training, cost.get("storage_usd_gb_month", 0.0))
    return {
        "name": job["TrainingJobName"],
        "status": job["TrainingJobStatus"],
        "secondary_status": job.get("SecondaryStatus", ""),
        "reason": job.get("FailureReason", ""),
        "instances": [{"type": kind, "count": count} for kind, count in instances],
        "spot": bool(job.get("EnableManagedSpotTraining")),
        "interruptions": _interruptions(job),
        "created": _iso(job.get("CreationTime")),
        "started": _iso(job.get("TrainingStartTime")),
        "ended": _iso(job.get("TrainingEndTime")),
        "training_seconds": training,
        "billable_seconds": billable,
        "cost_usd": _usd(hourly, billable, storage),
        "undiscounted_usd": _usd(hourly, max(training, billable), storage),
    }


def total(lines: Sequence[Mapping[str, Any]], field: str) -> float | None:
    """The sum over all attempts; None if any price is unknown."""
    values = [line[field] for line in lines]
    return None if any(value is None for value in values) else round(sum(values), 4)


def _instances(resources: Mapping[str, Any]) -> list[tuple[str, int]]:
    if resources.get("InstanceGroups"):
        return [(group["InstanceType"], group["InstanceCount"]) for group in resources["InstanceGroups"]]
    if "InstanceType" in resources:
        return [(resources["InstanceType"], resources["InstanceCount"])]
    # With preferences, the service reports its choice only by listing it first.
    return [(one["InstanceType"], one["InstanceCount"]) for one in resources.get("InstancePreferences", [])[:1]]


def _hourly_usd(instances: Sequence[tuple[str, int]], known: Mapping[str, float | None]) -> float | None:
    total_usd = 0.0
    for kind, count in instances:
        price = known.get(kind)
        if price is None:
            return None
        total_usd += price * count
    return total_usd


def _storage_usd(
    resources: Mapping[str, Any], instances: Sequence[tuple[str, int]], seconds: int, usd_gb_month: float
) -> float:
    volumes = sum(count for _, count in instances)
    return float(resources.get("VolumeSizeInGB", 0)) * volumes * usd_gb_month * seconds / 3600 / _HOURS_PER_MONTH


def _usd(hourly: float | None, seconds: int, storage: float) -> float | None:
    return None if hourly is None else round(hourly * seconds / 3600 + storage, 4)


def _interruptions(job: Mapping[str, Any]) -> int:
    return sum(1 for step in job.get("SecondaryStatusTransitions", []) if step["Status"] == "Interrupted")


def _iso(moment: object) -> str | None:
    return moment.isoformat() if isinstance(moment, datetime) else None
