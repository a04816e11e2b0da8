"""Spending: this month's receipts by job, the budget, and what the stacks cost while idle."""

import json
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, Literal

from shardyard.spec import names, receipts
from shardyard.spec.catalogue import prices
from shardyard.spec.catalogue.behind_automl import Behind, behind, candidates
from shardyard.spec.catalogue.idle_cost import IdleItem, idle_items
from shardyard.spec.catalogue.service_jobs import AUTOML, PROCESSING, TRAINING, TRANSFORM, ServiceJob
from yard.account.stacks import deployed_stacks
from yard.aws import Aws
from yard.runs import jobs, runs
from yard.transfer import upload

_THREADS = 16
_ENDED = ("Completed", "Failed", "Stopped")
_NAME = re.compile(rf"(?P<job>.+)-(?P<run>{runs.RUN_ID})-\d+(-[0-9a-z]+)?")
"""An attempt's name ends with its number, a trial's with its number and letters."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Spending:
    """The runs of a month of one job or one owner."""

    name: str
    """The job, or the owner."""
    runs: int
    usd: float
    saved_usd: float
    unpriced: int
    """Runs whose cost is unknown because a price was missing."""
    without_receipt: int
    """Jobs without a receipt, such as those of a stopped run: counted by their billed time."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Bill:
    job: str
    owner: str
    run_id: str
    usd: float | None
    saved_usd: float
    has_receipt: bool


def month_to_date(aws: Aws, today: date | None = None, *, by: Literal["job", "owner"] = "job") -> list[Spending]:
    """What each job, or each owner, has cost since the first of the month, from receipts and from what is in none; the
    most expensive first."""
    first = (today if today is not None else datetime.now(UTC).date()).replace(day=1)
    found = _receipts(aws, names.run_prefix(f"{first:%Y%m}").rstrip("/"))
    told = {name for receipt in found for name in _names(receipt)}
    owner = aws.project.settings.owner
    names_now = {before: now for now, before in aws.project.renamed().items()}
    groups: dict[str, list[_Bill]] = defaultdict(list)
    for bill in (*(_of_receipt(receipt, owner) for receipt in found), *_untold(aws, first, told, owner)):
        groups[names_now.get(bill.job, bill.job) if by == "job" else bill.owner].append(bill)
    rows = [_sum(name, bills) for name, bills in groups.items()]
    return sorted(rows, key=lambda row: -row.usd)


def _sum(name: str, bills: list[_Bill]) -> Spending:
    return Spending(
        name=name,
        runs=len({bill.run_id for bill in bills}),
        usd=round(sum(bill.usd for bill in bills if bill.usd is not None), 2),
        saved_usd=round(sum(bill.saved_usd for bill in bills), 2),
        unpriced=sum(bill.usd is None for bill in bills),
        without_receipt=sum(not bill.has_receipt for bill in bills),
    )


def _of_receipt(receipt: dict[str, Any], otherwise: str) -> _Bill:
    """`otherwise` owns what a receipt of an earlier version tells: jobs had no owner of their own."""
    saved, owner = receipt["saved_usd"], receipt.get("owner")
    return _Bill(
        job=receipt["job"],
        owner=otherwise if owner is None else owner,
        run_id=receipt["run_id"],
        usd=receipt["cost_usd"],
        saved_usd=0.0 if saved is None else saved,
        has_receipt=True,
    )


def _names(receipt: dict[str, Any]) -> Iterator[str]:
    """The jobs that a receipt has counted; of a search it tells the best as an attempt, and the others as trials."""
    search = receipt["tuning"]
    yield from (one["name"] for one in [*receipt["attempts"], *(search["trials"] if search is not None else ())])


def _untold(aws: Aws, first: date, told: set[str], otherwise: str) -> Iterator[_Bill]:
    """Jobs of the project that ended this month and are in no receipt; trials of a search are training jobs, which
    SageMaker gives the search's tags. What is behind an AutoML job is in the cost of that."""
    since = datetime(first.year, first.month, first.day, tzinfo=UTC)
    automl = [name for name, _ in _listed(aws, since, AUTOML) if _NAME.fullmatch(name)]
    with ThreadPoolExecutor(_THREADS) as pool:
        theirs = dict(zip(automl, pool.map(lambda name: _behind(aws, name), automl), strict=True))
    counted = told | {job.name for found in theirs.values() for job in found}
    for of in (TRAINING, PROCESSING, TRANSFORM, AUTOML):
        for name, status in _listed(aws, since, of):
            if name not in counted and status in _ENDED and (named := _NAME.fullmatch(name)) is not None:
                yield from _of_job(aws, of, named, theirs.get(name, ()), otherwise)


def _of_job(
    aws: Aws, of: ServiceJob, named: re.Match[str], theirs: Sequence[Behind], otherwise: str
) -> Iterator[_Bill]:
    """The bill of one job without a receipt, or nothing where it is not this project's."""
    sagemaker = aws.client("sagemaker")
    job = jobs.told(of.describe(sagemaker, named[0]), of)
    tags = {tag["Key"]: tag["Value"] for tag in sagemaker.list_tags(ResourceArn=job["TrainingJobArn"])["Tags"]}
    if _is_ours(aws, job, tags):
        billing = [jobs.told(one.of.describe(sagemaker, one.name), one.of) for one in theirs] if of is AUTOML else [job]
        costs = [_cost(one, aws.region) for one in billing]
        known = [usd for usd, _ in costs if usd is not None]
        yield _Bill(
            job=str(tags.get("job", named["job"])),  # a name is cut where it would be too long
            owner=tags.get("owner", otherwise),
            run_id=named["run"],
            usd=sum(known) if known and len(known) == len(costs) else None,
            saved_usd=sum(saved for _, saved in costs),
            has_receipt=False,
        )


def _listed(aws: Aws, since: datetime, of: ServiceJob) -> Iterator[tuple[str, str]]:
    """The name and the status of each job of a kind."""
    for page in aws.client("sagemaker").get_paginator(f"list_{of.method}s").paginate(CreationTimeAfter=since):
        for summary in page[f"{of.resource}Summaries"]:
            yield summary[of.name_field], summary[of.status_field]


def _behind(aws: Aws, automl_job: str) -> list[Behind]:
    """The jobs behind the candidates of an AutoML job, each once."""
    sagemaker = aws.client("sagemaker")
    return list(dict.fromkeys(job for one in candidates(sagemaker, automl_job) for job in behind(one)))


def _is_ours(aws: Aws, job: dict[str, Any], tags: dict[str, str]) -> bool:
    """Whether a job is of this project and stage: a training job writes to its bucket, a processing job need not."""
    if "OutputDataConfig" in job:
        return bool(job["OutputDataConfig"]["S3OutputPath"].startswith(f"s3://{aws.artifact_bucket()}/"))
    settings = aws.project.settings
    return (tags.get("project"), tags.get("stage")) == (settings.project, settings.stage)


def _cost(job: dict[str, Any], region: str) -> tuple[float | None, float]:
    """What a job cost at the snapshot's prices, and what spot saved."""
    resources = job["ResourceConfig"]
    hourly = 0.0
    for group in resources.get("InstanceGroups") or [resources]:
        price = prices.hourly_usd(group["InstanceType"], region) if "InstanceType" in group else None
        if price is None:
            return None, 0.0
        hourly += price.hourly_usd * group["InstanceCount"]
    training = job.get("TrainingTimeInSeconds", 0)
    billable = job.get("BillableTimeInSeconds", training)
    return hourly * billable / 3600, hourly * max(training - billable, 0) / 3600


def _receipts(aws: Aws, prefix: str) -> list[dict[str, Any]]:
    """Run ids begin with their date, so a month's receipts share a prefix."""
    s3, bucket = aws.client("s3"), aws.artifact_bucket()
    keys = [one["Key"] for one in upload.objects(s3, bucket, prefix) if one["Key"].endswith("/receipt.json")]

    def read(key: str) -> dict[str, Any] | None:
        return receipts.read(s3.get_object(Bucket=bucket, Key=key)["Body"].read(receipts.MOST_BYTES + 1))

    # What is no receipt is left out: its training jobs count as those without one
    with ThreadPoolExecutor(_THREADS) as pool:
        return [found for found in pool.map(read, keys) if found is not None]


def idle(aws: Aws) -> Iterator[tuple[str, IdleItem]]:
    """The resources of the deployed stacks that bill while nothing runs, each with its stack."""
    client = aws.client("cloudformation")
    for stack in (one.name for one in deployed_stacks(aws)):
        body = client.get_template(StackName=stack)["TemplateBody"]
        template = body if isinstance(body, dict) else json.loads(body)
        described = client.describe_stacks(StackName=stack)["Stacks"][0]
        given = {one["ParameterKey"]: one["ParameterValue"] for one in described.get("Parameters", [])}
        for item in idle_items(template, given):
            yield stack, item


def billed(aws: Aws, today: date | None = None) -> float:
    """This month's cost up to today, from Cost Explorer. Each such call bills 0.01 USD."""
    today = today if today is not None else datetime.now(UTC).date()
    tomorrow = today + timedelta(days=1)  # the end date is exclusive
    answer = aws.client("ce").get_cost_and_usage(
        TimePeriod={"Start": today.replace(day=1).isoformat(), "End": tomorrow.isoformat()},
        Granularity="MONTHLY",
        Metrics=["UnblendedCost"],
    )
    return sum(float(period["Total"]["UnblendedCost"]["Amount"]) for period in answer["ResultsByTime"])
