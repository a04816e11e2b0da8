"""What each attempt of a run did and cost, from the description of its training job."""

from collections.abc import Mapping, Sequence
from typing import Any

from shardyard.handlers import aws
from shardyard.handlers.launch.described import Described, iso, read
from shardyard.spec.catalogue import prices
from shardyard.spec.catalogue.service_jobs import TRAINING, ServiceJob

MOST_DESCRIBED = 50
"""Only this many latest attempts are described, the others counted: hours of queueing can make hundreds."""
_HOURS_PER_MONTH = 730


def read_attempts(names: Sequence[str], clients: aws.Clients, of: ServiceJob = TRAINING) -> list[dict[str, Any]]:
    """Describe the jobs of a run, oldest first; names without a job are skipped."""
    found = aws.in_parallel(lambda name: aws.describe_job(clients("sagemaker"), name, of), names[-MOST_DESCRIBED:])
    return [job for job in found if job is not None]


def with_snapshot_prices(cost: Mapping[str, Any], jobs: Sequence[Described], region: str) -> dict[str, Any]:
    """The launch's prices, with the snapshot's for types that only an earlier launch of the run used."""
    kinds = {kind for job in jobs for kind, _ in job.instances} - cost["hourly_usd"].keys()
    known = {kind: prices.hourly_usd(kind, region) for kind in sorted(kinds)}
    added = {kind: price.hourly_usd for kind, price in known.items() if price is not None}
    source = "".join(f"; {kind}: snapshot of {prices.snapshot_date()}" for kind in added)
    return {**cost, "hourly_usd": {**cost["hourly_usd"], **added}, "source": f"{cost['source']}{source}"}


def account(job: Mapping[str, Any], cost: Mapping[str, Any], of: ServiceJob = TRAINING) -> dict[str, Any]:
    """One attempt as a line of the receipt: its times and what it cost."""
    found = read(of, job)
    hourly = _hourly_usd(found.instances, cost["hourly_usd"])
    storage = _storage_usd(found, cost.get("storage_usd_gb_month", 0.0))
    return {
        "name": found.name,
        "status": found.status,
        "secondary_status": found.secondary_status,
        "reason": found.reason,
        **({"exit_message": found.exit_message} if found.exit_message else {}),
        "instances": [{"type": kind, "count": count} for kind, count in found.instances],
        "spot": found.spot,
        "interruptions": _interruptions(job),
        "created": iso(found.created),
        "started": iso(found.started),
        "ended": iso(found.ended),
        of.seconds_key: found.seconds,
        "billable_seconds": found.billable_seconds,
        "cost_usd": _usd(hourly, found.billable_seconds, storage),
        "undiscounted_usd": _usd(hourly, max(found.seconds, found.billable_seconds), storage),
    }


def total(lines: Sequence[Mapping[str, Any]], field: str) -> float | None:
    """The sum over all attempts; None if any price is unknown."""
    values = [line[field] for line in lines]
    return None if any(value is None for value in values) else round(sum(values), 4)


def _hourly_usd(instances: Sequence[tuple[str, int]], known: Mapping[str, float | None]) -> float | None:
    if not instances:  # of an AutoML job, whose own jobs bill
        return None
    total_usd = 0.0
    for kind, count in instances:
        price = known.get(kind)
        if price is None:
            return None
        total_usd += price * count
    return total_usd


def _storage_usd(job: Described, usd_gb_month: float) -> float:
    volumes = sum(count for _, count in job.instances)
    return job.volume_gb * volumes * usd_gb_month * job.seconds / 3600 / _HOURS_PER_MONTH


def _usd(hourly: float | None, seconds: int, storage: float) -> float | None:
    return None if hourly is None else round(hourly * seconds / 3600 + storage, 4)


def _interruptions(job: Mapping[str, Any]) -> int:
    return sum(1 for step in job.get("SecondaryStatusTransitions", []) if step["Status"] == "Interrupted")
