"""The Receipt step: what the run did, what it cost, where its model is; stored as JSON and sent as a message."""

import json
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from shardyard.handlers import aws
from shardyard.handlers.launch import ledger
from shardyard.handlers.launch.receipt.attempts import total
from shardyard.handlers.launch.receipt.ran import Ran, read_run
from shardyard.spec import names, receipt_text
from shardyard.spec.catalogue.service_jobs import ServiceJob
from shardyard.spec.console import dashboard_url, execution_url, job_log_url
from shardyard.spec.run_settings import outputs_of, settings_of


def handler(event: Mapping[str, Any], context: object) -> dict[str, Any]:
    """Lambda's entry: the whole state in; how it ended out. A search that has a training after it settles before."""
    if event.get("settles"):
        return settle_search(event, aws.clients)
    return write_receipt(event, aws.clients, time.time())


def settle_search(event: Mapping[str, Any], clients: aws.Clients) -> dict[str, Any]:
    """Enter what a search cost while its launch goes on."""
    run = event["launch"]["run"]
    if run.get("ledger") is not None:
        ledger.settle_at(run, total(read_run(event, clients).paid, "cost_usd"), clients)
    return {}


def write_receipt(event: Mapping[str, Any], clients: aws.Clients, now: float) -> dict[str, Any]:
    """Store the receipt beside the model; return the message and the execution's end."""
    receipt = make_receipt(event, clients, now)
    if "tuning" in receipt:
        ledger.settle_at(event["launch"]["run"], receipt["cost_usd"], clients)
    else:
        ledger.settle(event["launch"]["run"], receipt["attempts"], clients)
    bucket, key = event["launch"]["run"]["artifact_bucket"], names.receipt_key(receipt["run_id"])
    receipt["location"] = f"s3://{bucket}/{key}"
    body = json.dumps(receipt, indent=2).encode()
    clients("s3").put_object(Bucket=bucket, Key=key, Body=body, ContentType="application/json")
    return {
        "outcome": receipt["outcome"],
        "error": receipt["error"],
        "cause": receipt["cause"],
        "subject": receipt_text.subject(receipt),
        "text": receipt_text.text(receipt),
        "receipt": receipt["location"],
    }


def make_receipt(event: Mapping[str, Any], clients: aws.Clients, now: float) -> dict[str, Any]:
    """Build the receipt."""
    return _receipt(event, read_run(event, clients), now)


def _receipt(event: Mapping[str, Any], ran: Ran, now: float) -> dict[str, Any]:
    run, plan, last = event["launch"]["run"], event["launch"]["plan"], ran.last
    outcome, error, cause = _end(event)
    completed = last.get(ran.of.status_field) == "Completed"
    return {
        "version": 1,
        "run_id": run["id"],
        "job": run["job"],
        "kind": ran.of.kind,
        "owner": run.get("owner"),
        "launched_by": run.get("launched_by"),
        "outcome": outcome,
        "error": error,
        "cause": cause,
        "started": run["started"],
        "ended": datetime.fromtimestamp(now, UTC).isoformat(timespec="seconds"),
        "attempt_count": ran.count,
        "attempts": list(ran.told),
        "steps": run["steps"],
        **_money(ran.paid, ran.cost, ran.of),
        "metrics": {one["MetricName"]: one["Value"] for one in last.get("FinalMetricDataList", [])},
        "model": last.get("ModelArtifacts", {}).get("S3ModelArtifacts") if completed else None,
        "model_package_arn": event.get("registered", {}).get("model_package_arn"),
        "image": plan["image"],
        "source_sha256": run["source_sha256"],
        "git_commit": run["git_commit"],
        "git_dirty": run.get("git_dirty"),  # a launch from before the deploy that introduced it may still be running
        "data": plan["data"],
        "notes": plan["notes"],
        "outputs": outputs_of(last) if completed else {},
        "settings": settings_of(run, last if last else ran.asked),
        "values": _values(run, plan),
        "links": {
            "logs": [job_log_url(run["region"], run["partition"], line["name"], ran.of.log_group) for line in ran.told],
            "dashboard": dashboard_url(run["region"], run["partition"], run["dashboard"]),
            "execution": execution_url(run["execution"]),
        },
        **ran.more,
    }


def _values(run: Mapping[str, Any], plan: Mapping[str, Any]) -> dict[str, Any]:
    """Each overridable value and its source, as of the last attempt."""
    # A launch from before the deploy that introduced `values` may still be running.
    return {**run["values"], **plan["candidates"][plan["candidate"]].get("values", {})}


def _end(event: Mapping[str, Any]) -> tuple[str, str, str]:
    """How the run ended, the error's name and its cause."""
    if "registration_failure" in event:
        failure = event["registration_failure"]
        return "Failed", "RegistrationFailed", f"The model is trained but not registered: {failure['Cause']}"
    if "retraining_failure" in event:
        cause = _cause_of_launch(str(event["retraining_failure"].get("Cause", "")))
        return "Failed", "RetrainingFailed", f"The search has ended, and the training after it failed: {cause}"
    if "failed" in event:
        failed = event["failed"]
        return ("Stopped" if failed["kind"] == "STOPPED" else "Failed"), failed["error"], failed["cause"]
    return "Completed", "", ""


def _cause_of_launch(cause: str) -> str:
    """Why the launch failed that a search has started: its execution's own cause, in a description of it."""
    try:
        described = json.loads(cause)
    except ValueError:
        return cause
    return str(described.get("Cause") or described.get("Status") or cause) if isinstance(described, dict) else cause


def _money(lines: Sequence[Mapping[str, Any]], cost: Mapping[str, Any], of: ServiceJob) -> dict[str, Any]:
    spent, undiscounted = total(lines, "cost_usd"), total(lines, "undiscounted_usd")
    training = sum(line[of.seconds_key] for line in lines if line["spot"])
    billable = sum(line["billable_seconds"] for line in lines if line["spot"])
    saved = None if spent is None or undiscounted is None else round(undiscounted - spent, 4)
    return {
        of.seconds_key: sum(line[of.seconds_key] for line in lines),
        "billable_seconds": sum(line["billable_seconds"] for line in lines),
        "cost_usd": spent,
        "undiscounted_usd": undiscounted,
        "spot_saving_percent": round((1 - billable / training) * 100, 1) if training else None,
        "saved_usd": saved if training else None,
        "worst_case_usd": cost["worst_case_usd"],
        "price_source": cost["source"],
    }
