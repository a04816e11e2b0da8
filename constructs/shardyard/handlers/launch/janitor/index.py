"""After an execution was aborted, timed out or failed: stops its jobs and notifies people.

Step Functions stops the job of a `.sync` task by itself. The second path has no such task, and a stop can get lost.
An execution that ended by itself has sent its own message; one that was cut off has not.
"""

import os
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from shardyard.handlers import aws
from shardyard.handlers.launch import ledger
from shardyard.spec import names
from shardyard.spec.catalogue.service_jobs import (
    AUTOML,
    PROCESSING,
    SERVICE_JOBS,
    TRAINING,
    TRANSFORM,
    TUNING,
    ServiceJob,
)
from shardyard.spec.console import execution_url
from shardyard.spec.requests.deployment import EXECUTION_TAG
from shardyard.spec.run_ids import given_run_id, run_id_of

_CUT_OFF = {"ABORTED": "was stopped", "TIMED_OUT": "timed out"}


def handler(event: Mapping[str, Any], context: object) -> list[str]:
    """Lambda's entry: an EventBridge event about an execution in; the names of the stopped jobs out."""
    # A function from before there was more than one kind is told none.
    kinds = [SERVICE_JOBS[kind] for kind in os.environ.get("KINDS", TRAINING.kind).split(",")]
    stopped = clean_up(event["detail"], aws.clients, kinds)
    bucket = os.environ.get("LEDGER_BUCKET")  # set where owners have a monthly cap
    if bucket is not None:
        detail = event["detail"]
        ledger.end(bucket, str(detail["executionArn"]), _started(detail), _run_id(detail), aws.clients)
    topic_arn = os.environ.get("TOPIC_ARN")  # a project that uses the constructs alone may have no topic
    if topic_arn is not None:
        tell(event["detail"], aws.clients, topic_arn=topic_arn, machines=os.environ["MACHINES"], kinds=kinds)
    return stopped


def clean_up(detail: Mapping[str, Any], clients: aws.Clients, kinds: Sequence[ServiceJob] = (TRAINING,)) -> list[str]:
    """Stop every running job of this execution, but none of another execution of the same run."""
    execution = str(detail["executionArn"])
    sagemaker = clients("sagemaker")
    stopped = []
    for of in sorted(kinds, key=lambda kind: kind is not TUNING):  # a search would replace the trials that are stopped
        jobs, _ = of.page(sagemaker, NameContains=_run_id(detail), StatusEquals="InProgress", MaxResults=100)
        for job in jobs:
            tags = sagemaker.list_tags(ResourceArn=job[of.arn_field])["Tags"]
            if {"Key": EXECUTION_TAG, "Value": execution[-256:]} in tags:
                of.stop(sagemaker, job[of.name_field])
                stopped.append(str(job[of.name_field]))
    if TRANSFORM in kinds:
        _forget_models(sagemaker, _run_id(detail))
    return stopped


def _forget_models(sagemaker: Any, run_id: str) -> None:
    """Delete the Model of a launch that was cut off before it did so itself."""
    for model in sagemaker.list_models(NameContains=run_id, MaxResults=100)["Models"]:
        tags = sagemaker.list_tags(ResourceArn=model["ModelArn"])["Tags"]
        if {"Key": "run", "Value": run_id} in tags:
            sagemaker.delete_model(ModelName=model["ModelName"])


def tell(
    detail: Mapping[str, Any],
    clients: aws.Clients,
    *,
    topic_arn: str,
    machines: str,
    kinds: Sequence[ServiceJob] = (TRAINING,),
) -> None:
    """Notify that a launch was cut off; `machines` is the prefix of the state machines' names."""
    said = _CUT_OFF.get(detail["status"])
    if said is None:
        return
    job, is_search = names.launched_by(str(detail["stateMachineArn"]).rpartition(":")[2].removeprefix(machines))
    run_id = _run_id(detail)
    if is_search:
        subject, what, ran = f"The search of {job}", f"The search {run_id} of {job}", "trials that ran"
        after = f"What its trials found: yard tune {job} --run {run_id}. Search again: yard tune {job}"
    else:
        subject, what, ran = job, f"{job}, run {run_id}: its launch", "job that ran"
        after = f"If it keeps checkpoints, resume it: yard resume {run_id}"
        if any(of in kinds and _has_made(of, run_id, clients) for of in (PROCESSING, TRANSFORM, AUTOML)):
            after = f"It keeps no checkpoints; launch it again: yard {PROCESSING.command} {job}"
    lines = [
        f"{what} {said}, and with it the {ran}.",
        "A person or a program stopped it." if said == "was stopped" else "It exceeded its time limit.",
        f"There is no receipt. {after}",
        "",
        f"Execution: {execution_url(detail['executionArn'])}",
    ]
    clients("sns").publish(TopicArn=topic_arn, Subject=f"{subject} {said} ({run_id})"[:99], Message="\n".join(lines))


def _has_made(of: ServiceJob, run_id: str, clients: aws.Clients) -> bool:
    """Whether the run made a job of this kind: an execution does not say what kind it launches."""
    found, _ = of.page(clients("sagemaker"), NameContains=run_id, MaxResults=1)
    return bool(found)


def _run_id(detail: Mapping[str, Any]) -> str:
    # EventBridge omits a long input
    return run_id_of(str(detail["executionArn"]), _started(detail), given_run_id(detail.get("input")))


def _started(detail: Mapping[str, Any]) -> datetime:
    return datetime.fromtimestamp(detail["startDate"] / 1000, UTC)
