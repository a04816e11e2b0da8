"""The monthly cap of an owner: what is spent and reserved, and whether this launch still fits."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC
from typing import Any

from shardyard.handlers import aws
from shardyard.handlers.launch import ledger
from shardyard.handlers.launch.preflight.launch import Launch
from shardyard.handlers.launch.receipt.attempts import account
from shardyard.handlers.launch.receipt.trials import trial_lines
from shardyard.spec import names
from shardyard.spec.catalogue.service_jobs import STATUSES_WHILE_RUNNING, TUNING, of_run
from shardyard.spec.errors import Problem
from shardyard.spec.requests.tuning import tuning_job_name
from shardyard.spec.tuning.trials import searched


@dataclass(frozen=True, kw_only=True, slots=True)
class Month:
    """An owner's launches of a month, without the one that asks."""

    spent_usd: float
    """By those that have ended."""
    ended: int
    reserved_usd: float
    """The worst case of those in progress."""
    running: int


def reserve(launch: Launch, *, first_attempt: int, cost: Mapping[str, Any], clients: aws.Clients) -> str:
    """Enter the launch with its worst case; returns the entry's key."""
    key = ledger.key_of(started=launch.started, owner=launch.owner, run_id=launch.run_id, attempt=first_attempt)
    entry = {
        "owner": launch.owner,
        "job": launch.spec.name,
        "run_id": launch.run_id,
        "execution": launch.execution,
        "reserved_usd": cost["worst_case_usd"],
        "hourly_usd": cost["hourly_usd"],
        "storage_usd_gb_month": cost["storage_usd_gb_month"],
        "kind": launch.spec.kind if searched(launch.spec) is None else TUNING.kind,
        "ended": False,
    }
    ledger.write(launch.deployment.artifact_bucket, key, entry, clients)
    return key


def release(launch: Launch, key: str, clients: aws.Clients) -> None:
    """Take the entry of a refused launch out again."""
    clients("s3").delete_object(Bucket=launch.deployment.artifact_bucket, Key=key)


def over_cap(launch: Launch, key: str, cost: Mapping[str, Any], clients: aws.Clients) -> Problem | None:
    """Why the launch does not fit into what its owner may still spend this month, or None."""
    cap = launch.owner_cap_usd
    if cap is None:
        return None
    month = _month(launch, key, clients)
    left = cap - month.spent_usd - month.reserved_usd
    if cost["worst_case_usd"] <= left:
        return None
    named = f"{launch.started.astimezone(UTC):%Y-%m}"
    return Problem(
        "cost",
        f"the worst case is {cost['worst_case_usd']:.2f} USD, and {launch.owner} has {max(left, 0):.2f} USD left of "
        f"{cap:.2f} USD for {named} (budget.per_owner): {month.spent_usd:.2f} USD spent ({_count(month.ended)}), "
        f"{month.reserved_usd:.2f} USD held ({_count(month.running)} in progress)",
    )


def _count(launches: int) -> str:
    return "1 launch" if launches == 1 else f"{launches} launches"


def _month(launch: Launch, own: str, clients: aws.Clients) -> Month:
    bucket, folder = launch.deployment.artifact_bucket, f"{own.rpartition('/')[0]}/"
    others = [key for key in ledger.keys(bucket, folder, clients) if key != own]
    amounts = aws.in_parallel(lambda key: _amount(bucket, key, clients), others)
    spent = [usd for usd, ended in amounts if ended]
    held = [usd for usd, ended in amounts if not ended]
    return Month(spent_usd=sum(spent), ended=len(spent), reserved_usd=sum(held), running=len(held))


def _amount(bucket: str, key: str, clients: aws.Clients) -> tuple[float, bool]:
    """What one launch counts, and whether that is final."""
    entry = ledger.read(bucket, key, clients)
    if "spent_usd" in entry:
        return float(entry["spent_usd"]), True
    if not entry["ended"]:
        return float(entry["reserved_usd"]), False
    of = of_run(entry)
    if of is TUNING:
        return _amount_of_search(entry, clients)
    jobs: list[Mapping[str, Any]] = []
    attempt = ledger.first_attempt(key)
    while True:
        name = names.training_job_name(entry["job"], entry["run_id"], attempt + len(jobs), of.longest_name)
        job = aws.describe_job(clients("sagemaker"), name, of)
        if job is None:
            break
        jobs.append(job)
    if any(job[of.status_field] in STATUSES_WHILE_RUNNING for job in jobs):
        return float(entry["reserved_usd"]), False
    costs = [account(job, entry, of)["cost_usd"] for job in jobs]
    return (float(entry["reserved_usd"]) if None in costs else sum(costs)), True


def _amount_of_search(entry: Mapping[str, Any], clients: aws.Clients) -> tuple[float, bool]:
    """The same for a search that was cut off: what its trials have cost."""
    name, sagemaker = tuning_job_name(entry["job"], entry["run_id"]), clients("sagemaker")
    search = aws.describe_job(sagemaker, name, TUNING)
    if search is None:
        return 0.0, True
    if search[TUNING.status_field] in STATUSES_WHILE_RUNNING:
        return float(entry["reserved_usd"]), False
    costs = [line["cost_usd"] for line in trial_lines(sagemaker, search, name, entry)]
    return (float(entry["reserved_usd"]) if None in costs else sum(costs)), True
