"""Past runs, with the results from their receipts."""

import math
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from shardyard.spec.catalogue.service_jobs import TUNING
from shardyard.spec.jobs.metrics import NOT_FINITE, NOT_FINITE_EPOCH
from shardyard.spec.units import format_duration
from yard.aws import Aws
from yard.errors import UserError
from yard.runs import about, runs

_THREADS = 16


def rows(
    aws: Aws,
    jobs: Sequence[str],
    limit: int,
    *,
    others: Iterable[runs.Run] = (),
    search: str | None = None,
    tags: Mapping[str, str | None] | None = None,
) -> list[dict[str, Any]]:
    """The newest of these jobs' runs and the others, one row each; a resumed run is one run, in its current state.

    With `search` and `tags` those of all runs that have the text in what people said about them, and the tags.
    """
    wants_some = search is not None or bool(tags)
    found = {run.run_id: run for run in runs.all_runs(aws, jobs, None if wants_some else limit, others=others)}
    newest = sorted(found.values(), key=lambda run: run.started, reverse=True)
    if not newest:
        return []
    aws.artifact_bucket()  # look it up once, before many threads need it
    said = about.read_all(aws, [run.run_id for run in (newest if wants_some else newest[:limit])])
    if search is not None:
        newest = [run for run in newest if search in run.run_id or said[run.run_id].matches(search)]
    if tags:
        newest = [run for run in newest if said[run.run_id].has_tags(tags)]
    with ThreadPoolExecutor(_THREADS) as pool:
        return list(pool.map(lambda run: _row(aws, run, said[run.run_id]), newest[:limit]))


def _row(aws: Aws, run: runs.Run, said: about.About) -> dict[str, Any]:
    receipt = _receipt(aws, run)
    metrics = receipt.get("metrics", {}) if run.of is not TUNING else _best(receipt)
    return {
        "run": run.run_id,
        "job": run.job,
        "kind": run.kind,
        "name": said.name,
        "tags": dict(said.tags),
        "notes": [note.text for note in said.notes],
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


def _best(receipt: Mapping[str, Any]) -> dict[str, float]:
    """The objective of a search's best trial."""
    tuning = receipt.get("tuning")
    if tuning is None:
        return {}
    best = next((one["objective"] for one in tuning["trials"] if one["name"] == tuning["best"]), None)
    return {} if best is None else {tuning["objective"]["metric"]: best}


def _loss(metrics: dict[str, float]) -> float | None:
    """The last loss; nan where the last step, or the last epoch of a program without steps, had no finite one."""
    counter, at = ("step", NOT_FINITE) if "step" in metrics else ("epoch", NOT_FINITE_EPOCH)
    at = NOT_FINITE if NOT_FINITE in metrics else at
    ended_without = at in metrics and metrics[at] >= metrics.get(counter, 0.0)
    return math.nan if ended_without else metrics.get("loss")


def _receipt(aws: Aws, run: runs.Run) -> dict[str, Any]:
    """The receipt, or nothing for a run that has not ended or was aborted before its end."""
    if run.status == "RUNNING":
        return {}
    try:
        return runs.receipt(aws, run.run_id)
    except UserError:
        return {}
