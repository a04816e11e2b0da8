"""What was spent: this month's receipts by job, the budget, what the stacks cost idle."""

import json
from collections import defaultdict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from shardyard.spec import names
from shardyard.spec.idle_cost import IdleItem, idle_items
from yard import upload
from yard.aws import Aws

_THREADS = 16


@dataclass(frozen=True, kw_only=True, slots=True)
class JobSpending:
    """One job's runs of a month."""

    job: str
    runs: int
    usd: float
    saved_usd: float
    unpriced: int
    """Runs whose cost is not known, because a price was missing."""


def month_to_date(aws: Aws, today: date | None = None) -> list[JobSpending]:
    """What each job has cost since the first of the month, from its receipts; the dearest first."""
    month = f"{today or datetime.now(UTC).date():%Y%m}"
    by_job: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for receipt in _receipts(aws, names.run_prefix(month).rstrip("/")):
        by_job[receipt["job"]].append(receipt)
    rows = [
        JobSpending(
            job=job,
            runs=len(receipts),
            usd=round(sum(receipt["cost_usd"] or 0.0 for receipt in receipts), 2),
            saved_usd=round(sum(receipt["saved_usd"] or 0.0 for receipt in receipts), 2),
            unpriced=sum(receipt["cost_usd"] is None for receipt in receipts),
        )
        for job, receipts in by_job.items()
    ]
    return sorted(rows, key=lambda row: -row.usd)


def _receipts(aws: Aws, prefix: str) -> list[dict[str, Any]]:
    """Run ids begin with their day, so a month's receipts share a prefix."""
    s3, bucket = aws.client("s3"), aws.artifact_bucket()
    keys = [one["Key"] for one in upload.objects(s3, bucket, prefix) if one["Key"].endswith("/receipt.json")]

    def read(key: str) -> dict[str, Any]:
        return dict(json.loads(s3.get_object(Bucket=bucket, Key=key)["Body"].read()))

    with ThreadPoolExecutor(_THREADS) as pool:
        return list(pool.map(read, keys))


def idle(aws: Aws) -> Iterator[tuple[str, IdleItem]]:
    """The resources of the deployed stacks that bill while nothing runs, each with its stack."""
    client = aws.client("cloudformation")
    for stack in project_stacks(aws):
        body = client.get_template(StackName=stack)["TemplateBody"]
        template = body if isinstance(body, dict) else json.loads(body)
        for item in idle_items(template):
            yield stack, item


def project_stacks(aws: Aws) -> list[str]:
    """The project's deployed stacks."""
    settings = aws.project.settings
    prefix = names.stack_name(settings.project, settings.stage, "")
    pages = aws.client("cloudformation").get_paginator("describe_stacks")
    return sorted(
        stack["StackName"]
        for page in pages.paginate()
        for stack in page["Stacks"]
        if stack["StackName"].startswith(prefix)
    )


def billed(aws: Aws, today: date | None = None) -> float:
    """What Cost Explorer says that this month has cost. Each such call bills 0.01 USD."""
    end = today or datetime.now(UTC).date()
    start = end.replace(day=1)
    if start == end:
        return 0.0
    answer = aws.client("ce").get_cost_and_usage(
        TimePeriod={"Start": start.isoformat(), "End": end.isoformat()},
        Granularity="MONTHLY",
        Metrics=["UnblendedCost"],
    )
    return sum(float(period["Total"]["UnblendedCost"]["Amount"]) for period in answer["ResultsByTime"])
