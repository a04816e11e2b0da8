"""What a lab costs on AWS: its runs at the most and as measured, and the quotas that they need."""

from collections.abc import Mapping, Sequence
from typing import Any

from labs.frame.results import Cell

Document = Mapping[str, Any]


def cost_rows(
    jobs: Sequence[Document], history: Sequence[Document], receipts: Mapping[str, Document]
) -> list[dict[str, Cell]]:
    """A row for each job that ran: `jobs` as `yard jobs` answers, `history` as `yard history`, receipts by run.

    The worst case is that of every launch at the job's longest time; the expected cost is what the receipts billed,
    at this machine's speed. A run that was stopped has no receipt, and counts for nothing there.
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
                "expected, USD": round(sum(one["cost_usd"] for one in told if one["cost_usd"] is not None), 4),
                "minutes of each instance": round(sum(one["billable_seconds"] for one in told) / 60, 1),
            }
        )
    return rows


def quota_rows(quotas: Sequence[Document]) -> list[dict[str, Cell]]:
    """A row for each quota, as `yard quota` answers: what the lab needs, and what a new account has here."""
    return [
        {
            "quota": str(row["quota"]),
            "needed": int(row["needed"]),
            "granted here": "unknown" if row["granted"] is None else int(row["granted"]),
        }
        for row in quotas
    ]
