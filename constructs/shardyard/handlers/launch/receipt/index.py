"""The Receipt step: what the run did, what it cost, where its model is; stored as JSON and sent as a message."""

import json
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from shardyard.handlers import aws
from shardyard.handlers.launch import ledger
from shardyard.handlers.launch.receipt.attempts import account, read_attempts, total, with_snapshot_prices
from shardyard.spec import names, receipt_text
from shardyard.spec.console import dashboard_url, execution_url, job_log_url
from shardyard.spec.run_settings import run_settings


def handler(event: Mapping[str, Any], context: object) -> dict[str, Any]:
    """Lambda's entry: the whole state in; how it ended out."""
    return write_receipt(event, aws.clients, time.time())


def write_receipt(event: Mapping[str, Any], clients: aws.Clients, now: float) -> dict[str, Any]:
    """Store the receipt beside the model; return the message and the execution's end."""
    receipt = make_receipt(event, clients, now)
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
    launch = event["launch"]
    run, plan, cost = launch["run"], launch["plan"], launch["cost"]
    outcome, error, cause = _end(event)
    jobs = read_attempts(_job_names(run, launch["request"]), clients)
    cost = with_snapshot_prices(cost, jobs, run["region"])
    lines = [account(job, cost) for job in jobs]
    last = jobs[-1] if jobs else {}
    completed = last.get("TrainingJobStatus") == "Completed"
    return {
        "version": 1,
        "run_id": run["id"],
        "job": run["job"],
        "owner": run.get("owner"),
        "launched_by": run.get("launched_by"),
        "outcome": outcome,
        "error": error,
        "cause": cause,
        "started": run["started"],
        "ended": datetime.fromtimestamp(now, UTC).isoformat(timespec="seconds"),
        "attempt_count": run["attempt"],
        "attempts": lines,
        "steps": run["steps"],
        **_money(lines, cost),
        "metrics": {one["MetricName"]: one["Value"] for one in last.get("FinalMetricDataList", [])},
        "model": last.get("ModelArtifacts", {}).get("S3ModelArtifacts") if completed else None,
        "model_package_arn": event.get("registered", {}).get("model_package_arn"),
        "image": plan["image"],
        "source_sha256": run["source_sha256"],
        "git_commit": run["git_commit"],
        "git_dirty": run.get("git_dirty"),  # a launch from before the deploy that introduced it may still be running
        "data": plan["data"],
        "notes": plan["notes"],
        "settings": run_settings(last if last else launch["request"]),
        "values": _values(run, plan),
        "links": {
            "logs": [job_log_url(run["region"], run["partition"], line["name"]) for line in lines],
            "dashboard": dashboard_url(run["region"], run["partition"], run["dashboard"]),
            "execution": execution_url(run["execution"]),
        },
    }


def _job_names(run: Mapping[str, Any], request: Mapping[str, Any]) -> list[str]:
    """The training jobs of the whole run, oldest first, including the launches that it was resumed from."""
    before = [names.training_job_name(run["job"], run["id"], number) for number in range(1, run["attempt"])]
    return [*dict.fromkeys([*before, *(one["name"] for one in run["attempts"]), request["TrainingJobName"]])]


def _values(run: Mapping[str, Any], plan: Mapping[str, Any]) -> dict[str, Any]:
    """Each overridable value and its source, as of the last attempt."""
    # A launch from before the deploy that introduced `values` may still be running.
    return {**run["values"], **plan["candidates"][plan["candidate"]].get("values", {})}


def _end(event: Mapping[str, Any]) -> tuple[str, str, str]:
    """How the run ended, the error's name and its cause."""
    if "registration_failure" in event:
        failure = event["registration_failure"]
        return "Failed", "RegistrationFailed", f"The model is trained but not registered: {failure['Cause']}"
    if "failed" in event:
        failed = event["failed"]
        return ("Stopped" if failed["kind"] == "STOPPED" else "Failed"), failed["error"], failed["cause"]
    return "Completed", "", ""


def _money(lines: list[dict[str, Any]], cost: Mapping[str, Any]) -> dict[str, Any]:
    spent, undiscounted = total(lines, "cost_usd"), total(lines, "undiscounted_usd")
    training = sum(line["training_seconds"] for line in lines if line["spot"])
    billable = sum(line["billable_seconds"] for line in lines if line["spot"])
    saved = None if spent is None or undiscounted is None else round(undiscounted - spent, 4)
    return {
        "training_seconds": sum(line["training_seconds"] for line in lines),
        "billable_seconds": sum(line["billable_seconds"] for line in lines),
        "cost_usd": spent,
        "undiscounted_usd": undiscounted,
        "spot_saving_percent": round((1 - billable / training) * 100, 1) if training else None,
        "saved_usd": saved if training else None,
        "worst_case_usd": cost["worst_case_usd"],
        "price_source": cost["source"],
    }
