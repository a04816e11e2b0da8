"""After an execution was aborted, timed out or failed: no training job of it may go on running.

Step Functions stops the job of a `.sync` task by itself. The second path has no such task, and a stop can be lost.
"""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from shardyard.handlers import aws
from shardyard.spec.request import EXECUTION_TAG
from shardyard.spec.run_ids import run_id_of


def handler(event: Mapping[str, Any], context: object) -> list[str]:
    """Lambda's entry: an EventBridge event about an execution in, the names of the stopped jobs out."""
    return clean_up(event["detail"], aws.clients)


def clean_up(detail: Mapping[str, Any], clients: aws.Clients) -> list[str]:
    """Stop every running job that this execution made; jobs of another execution of the same run are left alone."""
    execution = str(detail["executionArn"])
    started = datetime.fromtimestamp(detail["startDate"] / 1000, UTC)
    run_id = run_id_of(execution, started, _given_run_id(detail))
    sagemaker = clients("sagemaker")
    answer = sagemaker.list_training_jobs(NameContains=run_id, StatusEquals="InProgress", MaxResults=100)
    stopped = []
    for job in answer["TrainingJobSummaries"]:
        tags = sagemaker.list_tags(ResourceArn=job["TrainingJobArn"])["Tags"]
        if {"Key": EXECUTION_TAG, "Value": execution[-256:]} in tags:
            sagemaker.stop_training_job(TrainingJobName=job["TrainingJobName"])
            stopped.append(str(job["TrainingJobName"]))
    return stopped


def _given_run_id(detail: Mapping[str, Any]) -> str | None:
    try:
        given = json.loads(detail.get("input") or "{}")
    except ValueError:  # EventBridge leaves a long input out
        return None
    found = given.get("run_id") if isinstance(given, dict) else None
    return found if isinstance(found, str) else None
