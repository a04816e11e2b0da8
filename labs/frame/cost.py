"""What a lab costs on AWS: its runs at the most and as measured, and the quotas that they need."""

from collections.abc import Mapping, Sequence
from typing import Any

from labs.frame.results import Cell
from shardyard.spec.catalogue.prices import HOURS_PER_MONTH, hourly_usd
from shardyard.spec.units import parse_duration

Document = Mapping[str, Any]


def cost_rows(
    jobs: Sequence[Document], history: Sequence[Document], receipts: Mapping[str, Document]
) -> list[dict[str, Cell]]:
    """A row for each job that ran: `jobs` as `yard jobs` answers, `history` as `yard history`, receipts by run.

    The worst case is that of every launch at the job's longest time; the expected cost is what the receipts billed,
    at this machine's speed, or `billed_without_receipt` for a run that was stopped.
    """
    rows: list[dict[str, Cell]] = []
    for job in jobs:
        ran = [run for run in history if run["job"] == job["job"]]
        if not ran:
            continue
        most = job["usd_at_most"]
        told = [receipts[run["run"]] for run in ran if run["run"] in receipts]
        rows.append(
            {
                "job": str(job["job"]),
                "instances": str(job["instances"]),
                "runs": len(ran),
                "worst case, USD": "unknown" if most is None else round(most * len(ran), 2),
                "expected, USD": round(sum(one["cost_usd"] for one in told if one["cost_usd"] is not None), 6),
                "worst case, minutes": round(parse_duration(job["longest"]) / 60 * len(ran)),
                "expected, minutes": round(sum(one["billable_seconds"] for one in told) / 60, 1),
            }
        )
    return rows


def billed_without_receipt(job: Document, region: str) -> dict[str, Cell | None]:
    """What a training job was billed, as SageMaker describes it: a run that was stopped has no receipt."""
    resources, seconds = job["ResourceConfig"], job.get("BillableTimeInSeconds", 0)
    price = hourly_usd(resources["InstanceType"], region)
    usd = None if price is None else price.hourly_usd * resources["InstanceCount"] * seconds / 3600
    return {"cost_usd": usd, "billable_seconds": seconds}


def quota_rows(
    quotas: Sequence[Document], also: Mapping[str, int], granted: Mapping[str, float]
) -> list[dict[str, Cell]]:
    """A row for each quota: what the lab needs, and what a new account has here.

    Of the jobs as `yard quota` answers; `also` is what stands beside them, of which the account's values are `granted`.
    """
    needed = {str(row["quota"]): (int(row["needed"]), row["granted"]) for row in quotas}
    needed |= {name: (count, granted.get(name)) for name, count in also.items()}
    return [
        {"quota": name, "needed": count, "granted here": "unknown" if value is None else int(value)}
        for name, (count, value) in sorted(needed.items(), key=lambda item: item[0].casefold())
    ]


def standing_row(what: str, instances: str, hourly_usd: float | None, seconds: float) -> dict[str, Cell]:
    """A row for something that bills until it is deleted: what it stood here, and what a month of it would cost."""
    usd = None if hourly_usd is None else (hourly_usd * HOURS_PER_MONTH, hourly_usd * seconds / 3600)
    return {
        "what stands": what,
        "instances": instances,
        "worst case, USD (a month)": "unknown" if usd is None else round(usd[0], 2),
        "expected, USD": "unknown" if usd is None else round(usd[1], 4),
        "minutes": round(seconds / 60, 1),
    }
