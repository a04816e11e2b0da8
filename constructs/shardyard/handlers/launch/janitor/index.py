"""After an execution was aborted, timed out or failed: stops its training jobs and notifies people.

Step Functions stops the job of a `.sync` task by itself. The second path has no such task, and a stop can get lost.
An execution that ended by itself has sent its own message; one that was cut off has not.
"""

import os
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from shardyard.handlers import aws
from shardyard.handlers.launch import ledger
from shardyard.spec.console import execution_url
from shardyard.spec.requests.training import EXECUTION_TAG
from shardyard.spec.run_ids import given_run_id, run_id_of

_CUT_OFF = {"ABORTED": "was stopped", "TIMED_OUT": "timed out"}


def handler(event: Mapping[str, Any], context: object) -> list[str]:
    """Lambda's entry: an EventBridge event about an execution in; the names of the stopped jobs out."""
    stopped = clean_up(event["detail"], aws.clients)
    bucket = os.environ.get("LEDGER_BUCKET")  # set where owners have a monthly cap
    if bucket is not None:
        detail = event["detail"]
        ledger.end(bucket, str(detail["executionArn"]), _started(detail), _run_id(detail), aws.clients)
    topic_arn = os.environ.get("TOPIC_ARN")  # a project that uses the constructs alone may have no topic
    if topic_arn is not None:
        tell(event["detail"], aws.clients, topic_arn=topic_arn, machines=os.environ["MACHINES"])
    return stopped


def clean_up(detail: Mapping[str, Any], clients: aws.Clients) -> list[str]:
    """Stop every running job of this execution, but none of another execution of the same run."""
    execution = str(detail["executionArn"])
    sagemaker = clients("sagemaker")
    answer = sagemaker.list_training_jobs(NameContains=_run_id(detail), StatusEquals="InProgress", MaxResults=100)
    stopped = []
    for job in answer["TrainingJobSummaries"]:
        tags = sagemaker.list_tags(ResourceArn=job["TrainingJobArn"])["Tags"]
        if {"Key": EXECUTION_TAG, "Value": execution[-256:]} in tags:
            sagemaker.stop_training_job(TrainingJobName=job["TrainingJobName"])
            stopped.append(str(job["TrainingJobName"]))
    return stopped


def tell(detail: Mapping[str, Any], clients: aws.Clients, *, topic_arn: str, machines: str) -> None:
    """Notify that a launch was cut off; `machines` is the prefix of the state machines' names."""
    said = _CUT_OFF.get(detail["status"])
    if said is None:
        return
    job = str(detail["stateMachineArn"]).rpartition(":")[2].removeprefix(machines)
    run_id = _run_id(detail)
    lines = [
        f"{job}, run {run_id}: its launch {said}, and with it its training job.",
        "A person or a program stopped it." if said == "was stopped" else "It exceeded its time limit.",
        f"There is no receipt. If it keeps checkpoints, resume it: yard resume {run_id}",
        "",
        f"Execution: {execution_url(detail['executionArn'])}",
    ]
    clients("sns").publish(TopicArn=topic_arn, Subject=f"{job} {said} ({run_id})"[:99], Message="\n".join(lines))


def _run_id(detail: Mapping[str, Any]) -> str:
    # EventBridge omits a long input
    return run_id_of(str(detail["executionArn"]), _started(detail), given_run_id(detail.get("input")))


def _started(detail: Mapping[str, Any]) -> datetime:
    return datetime.fromtimestamp(detail["startDate"] / 1000, UTC)
