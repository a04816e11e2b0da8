"""Past runs, with the results from their receipts."""

import math
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from shardyard.spec.jobs.metrics import NOT_FINITE
from shardyard.spec.units import format_duration
from yard.aws import Aws
from yard.errors import UserError
from yard.runs import runs

_THREADS = 16


def rows(aws: Aws, jobs: Sequence[str], limit: int) -> list[dict[str, Any]]:
    """The newest runs of these jobs, one row each; a resumed run is one run, in its current state."""
    found = {run.run_id: run for run in runs.all_runs(aws, jobs, limit)}
    newest = sorted(found.values(), key=lambda run: run.started, reverse=True)[:limit]
    if not newest:
        return []
    aws.artifact_bucket()  # look it up once, before many threads need it
    with ThreadPoolExecutor(_THREADS) as pool:
        return list(pool.map(lambda run: _row(aws, run), newest))


def _row(aws: Aws, run: runs.Run) -> dict[str, Any]:
    receipt = _receipt(aws, run)
    metrics = receipt.get("metrics", {})
    return {
        "run": run.run_id,
        "job": run.job,
        "status": run.status.lower(),
        "started": run.started,
        "took": format_duration((run.stopped - run.started).total_seconds()) if run.stopped is not None else None,
        "attempts": receipt.get("attempt_count"),
        "cost_usd": receipt.get("cost_usd"),
        "saved_usd": receipt.get("saved_usd"),
        "loss": _loss(metrics),
        "accuracy": metrics.get("accuracy"),
        "metrics": metrics,
    }


def _loss(metrics: dict[str, float]) -> float | None:
    """The last loss; nan where the last step had no finite one."""
    ended_without = NOT_FINITE in metrics and metrics[NOT_FINITE] >= metrics.get("step", 0.0)
    return math.nan if ended_without else metrics.get("loss")


def _receipt(aws: Aws, run: runs.Run) -> dict[str, Any]:
    """The receipt, or nothing for a run that has not ended or was aborted before its end."""
    if run.status == "RUNNING":
        return {}
    try:
        return runs.receipt(aws, run.run_id)
    except UserError:
        return {}
